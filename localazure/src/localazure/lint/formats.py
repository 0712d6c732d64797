"""A result as text for people, as JSON, and as annotations for GitHub's workflow log."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import click

from localazure.lint.findings import Finding
from localazure.lint.linting import Result


def as_text(result: Result, app: Path) -> str:
    """A paragraph per finding, then the count."""
    return "\n".join([*(_paragraph(finding, app) for finding in result.findings), _count(result)])


def _paragraph(finding: Finding, app: Path) -> str:
    place = click.style(f"{app / finding.file}:{finding.line}:{finding.column}", bold=True)
    lines = [f"{place}: {click.style(finding.rule, fg='red')}: {finding.text}", f"  instead: {finding.instead}"]
    if len(finding.chain) > 1:
        lines.append(f"  reached: {' → '.join(finding.chain)}")
    return "\n".join([*lines, ""])


def _count(result: Result) -> str:
    checked = (
        f"{_counted(len(result.orchestrators), 'orchestrator')} ({_counted(result.functions, 'function')}) checked"
    )
    if not result.orchestrators:
        return "No orchestrator was found."
    return f"{checked}: {_counted(len(result.findings), 'finding') if result.findings else 'no findings'}."


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def as_json(result: Result, app: Path) -> str:
    """One object: orchestrators, functions, findings with file, line, column, rule, text, instead, chain."""
    findings = [{**asdict(finding), "file": str(app / finding.file)} for finding in result.findings]
    for finding in findings:
        del finding["last_line"]
    content = {"orchestrators": result.orchestrators, "functions": result.functions, "findings": findings}
    return json.dumps(content, indent=2)


def as_github(result: Result, app: Path) -> str:
    """A line `::error ...` per finding, then the count."""
    lines = [
        f"::error file={_property(str(app / finding.file))},line={finding.line},col={finding.column},"
        f"title={_property(f'localazure lint: {finding.rule}')}::{_data(_sentence(finding))}"
        for finding in result.findings
    ]
    return "\n".join([*lines, _count(result)])


def _sentence(finding: Finding) -> str:
    reached = f" (reached: {' → '.join(finding.chain)})" if len(finding.chain) > 1 else ""
    return f"{finding.text}. Instead: {finding.instead}{reached}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


FORMATS: dict[str, Callable[[Result, Path], str]] = {"text": as_text, "json": as_json, "github": as_github}
