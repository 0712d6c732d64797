"""The documentation does what it says: its Python blocks are written to the files that they name, and run."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

LOCALAZURE = Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"^```python\n# (?P<file>\S+\.py)\n(?P<code>.*?)^```$", re.DOTALL | re.MULTILINE)


def files_in(page: str) -> dict[str, str]:
    return {found["file"]: found["code"] for found in BLOCK.finditer(page)}


@pytest.mark.parametrize("page", ["docs/testing.md", "README.md"])
def test_every_example_passes(page: str, tmp_path: Path) -> None:
    text = (LOCALAZURE / page).read_text()
    files = files_in(text)
    (tmp_path / "host.json").write_text('{"version": "2.0"}')
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    for name, code in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(code)

    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:asyncio"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
    assert files.keys() > {"function_app.py"}


def test_no_example_of_the_testing_page_is_left_out() -> None:
    text = (LOCALAZURE / "docs/testing.md").read_text()
    assert len(files_in(text)) == text.count("```python")
