"""The whole check of one app."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from localazure.errors import ConfigError
from localazure.lint.allowances import apply_allowances
from localazure.lint.findings import Finding
from localazure.lint.project import Project
from localazure.lint.registrations import Registrations
from localazure.lint.walk import Walk


@dataclass(frozen=True)
class Result:
    """`functions` is how many of the app's were checked, orchestrators among them."""

    orchestrators: tuple[str, ...]
    functions: int
    findings: tuple[Finding, ...]


def lint(root: Path, script: str) -> Result:
    """Check every orchestrator that `script` and what it imports register. Raises ConfigError."""
    if not (root / script).is_file():
        raise ConfigError(f"{script} was not found in {root}")
    project = Project(root)
    modules = project.modules_from(Path(script).stem)
    registrations = Registrations(project, modules)
    walk = Walk(project)
    for orchestrator in registrations.orchestrators.values():
        walk.orchestrator(orchestrator)
    findings = apply_allowances(project, modules, [*registrations.unresolved, *walk.findings.values()])
    names = sorted(function.name for function in registrations.orchestrators.values())
    return Result(tuple(names), len(walk.functions), tuple(findings))
