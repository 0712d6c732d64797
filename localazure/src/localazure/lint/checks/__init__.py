"""The checks of one function: each takes a frame and reports what is wrong in it."""

from __future__ import annotations

from localazure.lint.checks.logs import check_logs
from localazure.lint.checks.names import check_names
from localazure.lint.checks.payloads import check_payloads
from localazure.lint.checks.sets import check_sets
from localazure.lint.checks.shape import check_shape
from localazure.lint.checks.state import check_state
from localazure.lint.checks.tasks import check_tasks
from localazure.lint.checks.timers import check_timers
from localazure.lint.report import Check

CHECKS: tuple[Check, ...] = (
    check_shape,
    check_names,
    check_logs,
    check_state,
    check_sets,
    check_tasks,
    check_timers,
    check_payloads,
)
