"""What the command line says to options that cannot be."""

from __future__ import annotations

import pytest
from click.testing import CliRunner
from localazure.cli import main


@pytest.mark.parametrize("given", ["api", "api=", "api=x", "api=-1", "api=65536", "api=²", "=1.5"])
def test_port_that_is_none_is_refused_with_an_example(given: str) -> None:
    result = CliRunner().invoke(main, ["start", "--port", given])

    assert result.exit_code == 2
    assert "is not NAME=PORT, such as api=7071" in result.output
