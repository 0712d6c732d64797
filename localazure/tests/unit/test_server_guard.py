"""The guard: a foreign program is ready when its port answers, and ends with the server."""

import json
import os
import select
import signal
import socket
import subprocess
import sys

import pytest
from localazure.child import PARENT_FD, READY_FD
from localazure.endpoints import choose_ports

LISTENER = """
import socket, signal, sys
server = socket.create_server(("127.0.0.1", int(sys.argv[1])))
while True:
    signal.pause()
"""
DEAF_LISTENER = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + LISTENER


@pytest.fixture
def port():
    """Outside the range of outgoing connections, which could take it in the meantime."""
    return choose_ports({"blob": 0}, {}, free=True)["blob"]


@pytest.fixture
def guarded(port):
    """Start a program under the guard; gives process, read end of readiness and the server's end of the life line."""
    running = []

    def start(code):
        ready_end, ready = os.pipe()
        parent, parent_end = os.pipe()
        process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "localazure.guard",
                "--port",
                f"blob={port}",
                "--",
                sys.executable,
                "-c",
                code,
                str(port),
            ],
            env={**os.environ, READY_FD: str(ready), PARENT_FD: str(parent)},
            pass_fds=(ready, parent),
        )
        os.close(ready)
        os.close(parent)
        running.append((process, ready_end))
        return process, ready_end, parent_end

    yield start
    for process, ready_end in running:
        process.kill()
        process.wait()
        os.close(ready_end)


def read_line(fd, within_s=10):
    assert select.select([fd], [], [], within_s)[0], "nothing was announced"
    return os.read(fd, 4096)


def test_readiness_is_announced_once_the_port_answers(guarded, port):
    process, ready, parent = guarded(LISTENER)
    facts = json.loads(read_line(ready))

    assert facts == {"pid": process.pid, "blob": port}
    socket.create_connection(("127.0.0.1", port), timeout=1).close()
    os.close(parent)


def test_program_ends_with_the_server(guarded):
    process, ready, parent = guarded(LISTENER)
    read_line(ready)
    os.close(parent)

    assert process.wait(timeout=10) == -signal.SIGTERM


def test_program_that_ignores_the_signal_is_killed_with_the_server(guarded):
    process, ready, parent = guarded(DEAF_LISTENER)
    read_line(ready)
    os.close(parent)

    assert process.wait(timeout=15) == -signal.SIGKILL


def test_exit_code_is_the_programs_own_and_readiness_stays_silent(guarded):
    process, ready, parent = guarded("raise SystemExit(7)")

    assert process.wait(timeout=10) == 7
    assert read_line(ready) == b""
    os.close(parent)
