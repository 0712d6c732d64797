"""How checks say what they found."""

from __future__ import annotations

import ast
from collections.abc import Callable

from localazure.lint.findings import RULES, Finding
from localazure.lint.frames import Frame

Findings = dict[tuple[str, int, str], Finding]
"""By file, line and rule: a line breaks a rule once."""


class Report:
    """Takes the findings of one function that was reached by `chain`."""

    def __init__(self, frame: Frame, chain: tuple[str, ...], findings: Findings) -> None:
        self._file = frame.module.path.relative_to(frame.project.root).as_posix()
        self._chain = chain
        self._findings = findings

    def __call__(self, node: ast.stmt | ast.expr | ast.excepthandler, rule: str, what: str, instead: str = "") -> None:
        """`what` stands before the rule's own reason."""
        finding = Finding(
            self._file,
            node.lineno,
            node.col_offset + 1,
            rule,
            f"{what}: {RULES[rule].reason}",
            instead or RULES[rule].instead,
            self._chain,
            node.lineno if isinstance(node, ast.stmt) else node.end_lineno or node.lineno,
        )
        self._findings.setdefault((finding.file, finding.line, rule), finding)


Check = Callable[[Frame, Report], None]
