"""The index of functions against that of Microsoft's own worker library, which needs Python 3.13.

`make worker` installs the library; without it, or without that Python, nothing here runs.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[3]
WORKER = ROOT / "build/worker/bin/python"
APPS = [ROOT, *sorted((HERE.parents[1] / "apps").iterdir())]
SETTINGS = {
    "AzureWebJobsStorage": "UseDevelopmentStorage=true",
    "COSMOS": "AccountEndpoint=https://127.0.0.1:1/;AccountKey=AAAA;",
    "PREFIX": "p",
    "SCHEDULE": "0 0 0 1 1 *",
    "TOPIC_URL": "http://127.0.0.1:1/",
    "TOPIC_KEY": "k",
}
ONLY_HERE = {("durable", "greet_all")}
"""`context_name="ctx"` of an orchestrator: localazure warns of what the worker refuses."""

pytestmark = pytest.mark.skipif(
    not (WORKER.parent.parent / "made-from").exists(),
    reason="Microsoft's worker library is not installed: it takes Python 3.13 and `make worker`",
)


@pytest.fixture(scope="module")
def by_worker() -> dict[str, Any]:
    return _index(WORKER, "worker_index.py")


@pytest.fixture(scope="module")
def by_host() -> dict[str, Any]:
    return _index(Path(sys.executable), "host_index.py")


@pytest.fixture(params=APPS, ids=lambda app: app.name if app != ROOT else "waybill")
def both(request: pytest.FixtureRequest, by_worker: dict[str, Any], by_host: dict[str, Any]) -> tuple[Any, Any]:
    """One app as the worker and as localazure index it, without the functions that differ on purpose."""
    app = request.param
    worker, host = dict(by_worker[str(app)]), dict(by_host[str(app)])
    for folder, name in ONLY_HERE:
        if folder == app.name:
            assert worker.pop(name)["refusal"]
            assert not host.pop(name)["refusal"]
    return worker, host


def test_every_function_is_found_by_its_name(both: tuple[Any, Any]) -> None:
    worker, host = both
    assert worker
    assert set(host) == set(worker)


def test_the_functions_that_the_worker_refuses_are_refused(both: tuple[Any, Any]) -> None:
    worker, host = both
    assert _facts(host, lambda each: bool(each["refusal"])) == _facts(worker, lambda each: bool(each["refusal"]))


@pytest.mark.parametrize("fact", ["script_file", "bindings", "raw_bindings", "retry"])
def test_trigger_bindings_route_and_retry_policy_are_equal(both: tuple[Any, Any], fact: str) -> None:
    worker, host = both
    assert _facts(host, lambda each: each.get(fact)) == _facts(worker, lambda each: each.get(fact))


def test_the_worker_accepts_every_function_of_waybill(by_worker: dict[str, Any]) -> None:
    assert {name: each["refusal"] for name, each in by_worker[str(ROOT)].items() if each["refusal"]} == {}


def _facts(index: dict[str, Any], fact: Any) -> dict[str, Any]:
    return {name: fact(each) for name, each in index.items()}


def _index(python: Path, script: str) -> dict[str, Any]:
    sample = json.loads((ROOT / "local.settings.sample.json").read_text())["Values"]
    done = subprocess.run(
        [str(python), str(HERE / "real_worker" / script), *map(str, APPS)],
        capture_output=True,
        text=True,
        env=os.environ | sample | SETTINGS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
