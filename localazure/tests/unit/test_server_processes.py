"""Processes: readiness, repair, back-off, logs and the order of stopping, with tiny children."""

import asyncio
import os
import signal
import sys
import time

import pytest
from localazure.console import Console
from localazure.processes import QUICK_DEATHS, Processes, ProcessFailedError, Program

from localazure import processes as processes_module

CHILD = """
import os, signal, sys
from localazure.child import announce_ready, follow_parent
follow_parent()
signal.signal(signal.SIGTERM, lambda *_: (print("stopped", sys.argv[1], flush=True), os._exit(0)))
print("started", sys.argv[1], flush=True)
announce_ready(url="http://127.0.0.1:1/" + sys.argv[1])
while True:
    signal.pause()
"""
DIES_ONCE_READY = "from localazure.child import announce_ready; announce_ready(); raise SystemExit('broken inside')"


class Recorder(Console):
    """A console that keeps what it is told."""

    def __init__(self):
        super().__init__()
        self.lines = []
        self.output = b""

    def say(self, text):
        self.lines.append(text)

    def warn(self, text):
        self.lines.append(text)

    def pass_on(self, output):
        self.output += output


@pytest.fixture
def console():
    return Recorder()


@pytest.fixture
def pids():
    return {}


@pytest.fixture
async def processes(tmp_path, console, pids):
    with (tmp_path / "lock").open("w") as lock:

        def changed(current):
            pids.clear()
            pids.update(current)

        async with Processes(tmp_path / "logs", console, lock.fileno(), changed) as running:
            yield running


def program(tmp_path, name="child", code=CHILD, **options):
    return Program(name, [sys.executable, "-c", code, name], dict(os.environ), tmp_path, **options)


async def eventually(probe, within_s=10):
    deadline = time.monotonic() + within_s
    while not (answer := probe()):
        assert time.monotonic() < deadline, "it did not come true"
        await asyncio.sleep(0.01)
    return answer


async def test_start_returns_what_the_child_announces(processes, tmp_path, pids):
    facts = await processes.start(program(tmp_path))

    assert facts == {"pid": pids["child"], "url": "http://127.0.0.1:1/child"}


async def test_killed_child_is_started_again(processes, tmp_path, pids, console):
    await processes.start(program(tmp_path))
    first = pids["child"]
    os.kill(first, signal.SIGKILL)
    second = await eventually(lambda: pids.get("child") not in (None, first) and pids["child"])
    await eventually(lambda: f"child runs again (pid {second})." in console.lines)

    assert console.lines[0] == "child was ended by SIGKILL; starting it again in 0.1 s."


async def test_child_that_ends_before_it_is_ready_fails_the_start_with_its_log(processes, tmp_path):
    with pytest.raises(ProcessFailedError, match=r"(?s)child did not start: it ended with exit code 1.*no such table"):
        await processes.start(program(tmp_path, code="raise SystemExit('no such table')"))


async def test_problem_that_is_on_the_console_is_not_told_again(processes, tmp_path, console):
    broken = program(tmp_path, code="raise SystemExit('no such table')", on_console=True)
    with pytest.raises(ProcessFailedError) as failed:
        await processes.start(broken)

    assert str(failed.value) == "child did not start: it ended with exit code 1."
    assert console.output == b"no such table\n"


async def test_end_of_the_log_is_that_of_the_latest_process(processes, tmp_path):
    (tmp_path / "logs" / "child.log").write_text("from an earlier life\n")
    with pytest.raises(ProcessFailedError, match="no such table") as failed:
        await processes.start(program(tmp_path, code="raise SystemExit('no such table')"))

    assert "earlier life" not in str(failed.value)


async def test_child_killed_while_it_starts_is_tried_again(processes, tmp_path):
    marker = tmp_path / "tried"
    code = f"""
import os, pathlib
from localazure.child import announce_ready
marker = pathlib.Path({str(marker)!r})
if not marker.exists():
    marker.touch()
    os.kill(os.getpid(), 9)
{CHILD}"""

    assert "url" in await processes.start(program(tmp_path, code=code))


async def test_child_that_keeps_dying_is_given_up_with_its_own_error(processes, tmp_path, console, monkeypatch):
    monkeypatch.setattr("localazure.processes.QUICK_DEATH_S", 60)  # however slow this machine is
    await processes.start(program(tmp_path, code=DIES_ONCE_READY))
    with pytest.raises(ProcessFailedError, match=r"(?s)child ended with exit code 1, 5 times in a row.*broken inside"):
        await asyncio.wait_for(processes.failure(), 20)

    pauses = [line for line in console.lines if "starting it again" in line]
    assert [line.rsplit(" in ")[-1] for line in pauses] == ["0.1 s.", "0.2 s.", "0.4 s.", "0.8 s."]


async def test_child_killed_from_outside_is_started_again_however_often(
    processes, tmp_path, pids, console, monkeypatch
):
    monkeypatch.setattr("localazure.processes.QUICK_DEATH_S", 60)  # however slow this machine is
    await processes.start(program(tmp_path))

    for kills in range(1, QUICK_DEATHS + 2):
        os.kill(pids["child"], signal.SIGKILL)
        await eventually(lambda kills=kills: sum("runs again" in line for line in console.lines) == kills)


async def test_child_is_started_again_though_what_it_started_still_writes_to_its_output(
    processes, tmp_path, pids, console
):
    code = "import subprocess, sys\nsubprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])" + CHILD
    await processes.start(program(tmp_path, code=code, on_console=True))
    os.kill(pids["child"], signal.SIGKILL)

    await eventually(lambda: any("runs again" in line for line in console.lines))


async def test_stop_in_the_moment_a_child_is_ready_again_is_not_lost(tmp_path, console, pids, monkeypatch):
    stopping = asyncio.Event()
    read_to_end = processes_module._read_to_end

    async def ready_in_the_same_moment(ready_end):
        announced = await read_to_end(ready_end)
        stopping.set()
        return announced

    with (tmp_path / "lock").open("w") as lock:
        async with (
            asyncio.timeout(10),
            Processes(tmp_path / "logs", console, lock.fileno(), pids.update) as processes,
        ):
            await processes.start(program(tmp_path))
            monkeypatch.setattr(processes_module, "_read_to_end", ready_in_the_same_moment)
            os.kill(pids["child"], signal.SIGKILL)
            await stopping.wait()


async def test_children_are_stopped_in_reverse_order(tmp_path, console):
    order = tmp_path / "order"
    code = CHILD.replace('print("stopped", sys.argv[1], flush=True)', f"open({str(order)!r}, 'a').write(sys.argv[1])")
    with (tmp_path / "lock").open("w") as lock:
        async with Processes(tmp_path / "logs", console, lock.fileno(), lambda _: None) as processes:
            for name in ("a", "b", "c"):
                await processes.start(program(tmp_path, name=name, code=code))

    assert order.read_text() == "cba"


async def test_child_that_does_not_stop_is_killed(tmp_path, console, monkeypatch):
    monkeypatch.setattr("localazure.processes.STOP_WITHIN_S", 0.2)
    deaf = CHILD.replace("lambda *_: (print", "lambda *_: None and (print")
    with (tmp_path / "lock").open("w") as lock:
        async with Processes(tmp_path / "logs", console, lock.fileno(), lambda _: None) as processes:
            await processes.start(program(tmp_path, code=deaf))

    assert console.lines == ["child did not stop within 0.2 s and was killed."]


async def test_output_goes_to_the_log_and_to_the_console_when_asked(tmp_path, console):
    with (tmp_path / "lock").open("w") as lock:
        async with Processes(tmp_path / "logs", console, lock.fileno(), lambda _: None) as processes:
            await processes.start(program(tmp_path, name="host", on_console=True))
            await processes.start(program(tmp_path, name="cosmos"))

    assert (tmp_path / "logs/host.log").read_text() == "started host\nstopped host\n"
    assert (tmp_path / "logs/cosmos.log").read_text() == "started cosmos\nstopped cosmos\n"
    assert console.output == b"started host\nstopped host\n"


async def test_command_that_does_not_exist_is_named(processes, tmp_path):
    missing = Program("shop", ["./no-such-program"], {}, tmp_path)

    with pytest.raises(ProcessFailedError, match=r"shop cannot be started: \./no-such-program"):
        await processes.start(missing)


async def test_service_is_filled_again_after_it_was_killed(processes, tmp_path, pids):
    filled = []

    async def fill():
        filled.append(pids["child"])

    await processes.start(program(tmp_path), fill)
    os.kill(pids["child"], signal.SIGKILL)
    await eventually(lambda: len(filled) == 2)

    assert filled[0] != filled[1]


async def test_service_that_refuses_to_be_filled_again_is_reported(processes, tmp_path, pids):
    calls = []

    async def fill():
        calls.append(1)
        if len(calls) == 2:
            raise ValueError("no room")

    await processes.start(program(tmp_path), fill)
    os.kill(pids["child"], signal.SIGKILL)
    with pytest.raises(ValueError, match="no room"):
        await asyncio.wait_for(processes.failure(), 10)
