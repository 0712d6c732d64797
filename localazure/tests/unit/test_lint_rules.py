"""Every rule of `localazure lint`, by the examples of its documentation: bad ones break that rule, good ones none."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from localazure.lint.findings import RULES
from localazure.lint.linting import lint

DOCUMENT = (Path(__file__).parents[2] / "docs" / "lint.md").read_text()
SECTIONS = re.findall(r"^### `([\w-]+)`\n(.*?)(?=^### |\Z)", DOCUMENT, re.MULTILINE | re.DOTALL)
EXAMPLES = [
    pytest.param(rule, kind, code, id=f"{rule}-{kind}")
    for rule, text in SECTIONS
    for kind, code in re.findall(r"^```python (bad|good)\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
]
HEAD = "import azure.durable_functions as df\n\napp = df.DFApp()\n\n"


@pytest.mark.parametrize(("rule", "kind", "code"), EXAMPLES)
def test_example_breaks_its_rule_or_none(tmp_path: Path, rule: str, kind: str, code: str) -> None:
    (tmp_path / "function_app.py").write_text(HEAD + code)

    found = lint(tmp_path, "function_app.py").findings

    assert [finding.rule for finding in found] == ([rule] if kind == "bad" else [])
    assert all(finding.text and finding.instead for finding in found)


def test_every_rule_has_a_bad_and_a_good_example() -> None:
    documented = {(example.values[0], example.values[1]) for example in EXAMPLES}

    assert documented == {(rule, kind) for rule in RULES for kind in ("bad", "good")}
    assert [rule for rule, _ in SECTIONS] == list(dict.fromkeys(rule for rule, _ in SECTIONS))
