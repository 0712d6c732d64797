"""The pytest plugin: the fixture `task_hub`, the marker `task_hub`, the ini option `task_hub_app`.

pytest loads this module wherever localazure is installed, so it imports nothing before a test asks for a hub.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from localazure.testing.hub import Hub

MARKER = "task_hub(**options): options of localazure.testing.Hub for the hubs that the fixture `task_hub` makes"
APP = "task_hub_app"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addini(APP, "folder of the function app, from the root folder of the tests", default=None)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", MARKER)


@pytest.fixture
def task_hub_options() -> dict[str, Any]:
    """Options for all hubs of a module or a folder: override this fixture there."""
    return {}


@pytest.fixture
def task_hub(
    request: pytest.FixtureRequest, tmp_path: Path, task_hub_options: dict[str, Any]
) -> Iterator[Callable[..., Hub]]:
    """`task_hub(**options)` makes a localazure.testing.Hub, which is closed after the test.

    The nearest word counts: arguments, then markers, then the fixture `task_hub_options`, then the ini file. A path in
    `app` begins at the root folder of the tests.
    """
    from localazure.testing.hub import Hub  # noqa: PLC0415  # see above

    options = _from_ini(request.config) | task_hub_options
    for marker in reversed(list(request.node.iter_markers("task_hub"))):
        options |= marker.kwargs
    with ExitStack() as hubs:
        made = 0

        def make(app: Any = None, **given: Any) -> Hub:
            nonlocal made
            made += 1
            wanted = {"state": tmp_path / f"task-hub-{made}"} | options | given
            if app is not None:
                wanted["app"] = app
            elif given.keys() & {"orchestrators", "entities"}:
                wanted["app"] = None
            if isinstance(wanted.get("app"), str | Path):
                wanted["app"] = request.config.rootpath / wanted["app"]
            return hubs.enter_context(Hub(**wanted))

        yield make


def _from_ini(config: pytest.Config) -> dict[str, Any]:
    folder = config.getini(APP)
    return {"app": folder} if folder else {}
