"""SQL in files: every statement has a name, every name a use."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest
from localazure.statements import load_statements

CALL = re.compile(r"""(?:\.(?:run|rows|row|snapshot|_run)\(\s*|SQL\[)"(\w+)\"""")


@pytest.mark.parametrize("package", ["localazure.cosmos", "localazure.durable", "localazure.keyvault"])
def test_every_statement_is_used_and_every_used_one_exists(package):
    folder = Path(importlib.import_module(package).__file__).parent
    code = "".join(path.read_text() for path in folder.rglob("*.py"))
    names = set(load_statements(package))
    headings = re.findall(r"^-- (\w+): ", (folder / "queries.sql").read_text(), re.MULTILINE)
    assert names == set(headings)
    assert {name for name in names if f'"{name}"' not in code} == set()
    assert set(CALL.findall(code)) <= names
