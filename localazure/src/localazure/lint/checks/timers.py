"""Timers that lost a race: an instance stays Running until they fire, unless they are cancelled."""

from __future__ import annotations

import ast

from localazure.lint.flows import Flows
from localazure.lint.frames import CONTEXT, Frame
from localazure.lint.report import Report

_TIMER = f"{CONTEXT}.create_timer()"
_RACE = f"{CONTEXT}.task_any()"


def check_timers(frame: Frame, report: Report) -> None:
    """Report timers that only ever run in a `task_any` and are cancelled nowhere."""
    if frame.function is None:
        return
    flows = Flows(frame)
    for node in frame.function.nodes:
        if isinstance(node, ast.Call) and frame.meaning(node) == _TIMER:
            journey = flows.follow(node)
            in_races = bool(journey.uses) and all(_is_race(frame, use) for use in journey.uses)
            if in_races and "cancel" not in journey.attributes:
                report(node, "uncancelled-timer", "this timer may lose its race and is never cancelled")


def _is_race(frame: Frame, node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and frame.meaning(node) == _RACE
