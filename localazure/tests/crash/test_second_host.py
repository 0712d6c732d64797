"""Two hosts on one hub file: the second is refused, and told by whom; it may start as soon as the first is dead."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import PIPE

from localazure.child import READY_FD

APP = Path(__file__).parents[1] / "apps" / "durable"


def _command(state: Path) -> list[str]:
    ports = ["--port", "0", "--rpc-port", "0"]
    return [sys.executable, "-m", "localazure.host", "--app", str(APP), *ports, "--state", str(state)]


@contextmanager
def _host(state: Path) -> Iterator[subprocess.Popen[str]]:
    """A host that is ready; it is ended by SIGKILL, and nobody waits until it is really gone."""
    ready, ready_end = os.pipe()
    environment = os.environ | {READY_FD: str(ready_end)}
    with subprocess.Popen(_command(state), stderr=PIPE, text=True, env=environment, pass_fds=[ready_end]) as host:
        os.close(ready_end)
        with os.fdopen(ready) as facts:
            text = facts.read()
        assert text, host.communicate()[1]
        assert json.loads(text)["pid"] == host.pid
        try:
            yield host
        finally:
            host.kill()


def test_a_second_host_is_refused_and_told_by_which_process_and_what_helps(tmp_path: Path) -> None:
    with _host(tmp_path) as first:
        second = subprocess.run(_command(tmp_path), capture_output=True, text=True, check=False, timeout=30)
    assert second.returncode == 1
    assert second.stderr.splitlines()[-1] == (
        f"the task hub {tmp_path / 'hub.sqlite'} is used by another process (pid {first.pid}). Stop that first. "
        "Or choose another directory with --state."
    )


def test_after_the_first_host_was_killed_the_second_starts_at_once(tmp_path: Path) -> None:
    with _host(tmp_path) as first:
        first.kill()
        with _host(tmp_path) as second:
            assert (tmp_path / "hub.sqlite.pid").read_text() == str(second.pid)
