"""Exceptions in the source: `# localazure: allow RULE: REASON` silences one finding of its line."""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Iterable
from dataclasses import dataclass

from localazure.lint.findings import RULES, Finding
from localazure.lint.project import Module, Project

_MARK = re.compile(r"#.*?\blocalazure:\s*allow\b")
_ALLOW = re.compile(r"\blocalazure:\s*allow\s+([\w-]+)\s*(?::\s*([^#]*))?")


@dataclass(frozen=True)
class Allowance:
    """One exception: `rule` and `reason` as they were written, perhaps empty."""

    file: str
    line: int
    column: int
    rule: str
    reason: str

    @property
    def problem(self) -> str:
        """What is wrong with it, or empty."""
        if self.rule not in RULES:
            return f"there is no rule {self.rule!r}" if self.rule else "it names no rule"
        return "" if self.reason else f"`allow {self.rule}` gives no reason"


def apply_allowances(project: Project, modules: Iterable[Module], findings: Iterable[Finding]) -> list[Finding]:
    """The findings that are left, in the order of places, and one for every exception that is wrong or useless."""
    allowances = [allowance for module in modules for allowance in _allowances(project, module)]
    valid = [allowance for allowance in allowances if not allowance.problem]
    used: set[Allowance] = set()
    left = []
    for finding in findings:
        silencing = next((each for each in valid if each not in used and _silences(each, finding)), None)
        if silencing is None:
            left.append(finding)
        else:
            used.add(silencing)
    useless = [each for each in allowances if each not in used]
    return sorted([*left, *map(_complaint, useless)])


def _allowances(project: Project, module: Module) -> Iterable[Allowance]:
    file = module.path.relative_to(project.root).as_posix()
    for token in tokenize.tokenize(io.BytesIO(module.source).readline):
        if token.type == tokenize.COMMENT and _MARK.search(token.string):
            found = _ALLOW.findall(token.string) or [("", "")]
            for rule, reason in found:
                yield Allowance(file, token.start[0], token.start[1] + 1, rule, reason.strip())


def _silences(allowance: Allowance, finding: Finding) -> bool:
    on_line = finding.line <= allowance.line <= finding.last_line
    return allowance.file == finding.file and allowance.rule == finding.rule and on_line


def _complaint(allowance: Allowance) -> Finding:
    rule = RULES["allow"]
    text = allowance.problem or f"`allow {allowance.rule}` silences nothing here"
    return Finding(allowance.file, allowance.line, allowance.column, rule.id, text, rule.instead)
