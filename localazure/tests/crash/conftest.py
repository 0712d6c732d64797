"""Runs experiments of `crash_lab` on as many processes as there are cores, and tells at the end how many hubs died."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from queue import SimpleQueue
from subprocess import PIPE
from typing import Any

import pytest
from localazure.durable.settings import TaskHubSettings

HERE = Path(__file__).parent
sys.path.append(str(HERE))  # tests take the names of their scenarios from `crash_lab`
SEED = int(os.environ.get("CRASH_SEED", random.SystemRandom().randrange(10**6)))
PAIRS = int(os.environ.get("CRASH_PAIRS", "60"))
EXTENDED: dict[str, Any] = {"extendedSessionsEnabled": True}
IS_EXTENDED_KNOWN = TaskHubSettings.from_host_json(EXTENDED, {}) != TaskHubSettings.from_host_json({}, {})
MODES: dict[str, dict[str, Any]] = {"replay": {}} | ({"extended": EXTENDED} if IS_EXTENDED_KNOWN else {})
DEATHS: Counter[str] = Counter()
"""Deaths by what they were part of; shown at the end of the test run."""


@dataclass(slots=True)
class Outcome:
    """What an experiment brought, see `crash_lab.__main__`; `wanted` repeats it."""

    wanted: dict[str, Any]
    killed: list[str]
    moments: list[str]
    problems: list[str] = field(default_factory=list)

    def check(self) -> None:
        told = f"killed {' and '.join(self.killed)}; again: echo '{json.dumps(self.wanted)}' | python -m crash_lab DIR"
        assert not self.problems, "\n".join([told, *self.problems])


class Laboratory:
    """Programs that play experiments; each plays one at a time."""

    def __init__(self, programs: Sequence[subprocess.Popen[str]]) -> None:
        self._free: SimpleQueue[subprocess.Popen[str]] = SimpleQueue()
        for program in programs:
            self._free.put(program)
        self._size = len(programs)

    def play(self, **wanted: Any) -> Outcome:
        program = self._free.get()
        try:
            assert program.stdin is not None
            assert program.stdout is not None
            program.stdin.write(json.dumps(wanted) + "\n")
            program.stdin.flush()
            return Outcome(wanted, **json.loads(program.stdout.readline()))
        finally:
            self._free.put(program)

    def play_all(self, experiments: Sequence[dict[str, Any]]) -> list[Outcome]:
        with ThreadPoolExecutor(self._size) as threads:
            return list(threads.map(lambda wanted: self.play(**wanted), experiments))


@pytest.fixture(scope="session")
def laboratory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laboratory]:
    files = tmp_path_factory.mktemp("crashes")
    command = [sys.executable, "-m", "crash_lab", str(files)]
    programs = [
        subprocess.Popen(command, cwd=HERE, stdin=PIPE, stdout=PIPE, text=True) for _ in range(os.cpu_count() or 1)
    ]
    yield Laboratory(programs)
    for program in programs:
        assert program.stdin is not None
        program.stdin.close()
        program.wait(10)


@pytest.fixture(scope="session")
def deaths() -> Counter[str]:
    """To be counted up by whoever kills."""
    return DEATHS


@pytest.fixture
def chance() -> random.Random:
    """The same choices again with `CRASH_SEED=<the seed at the end of the output>`."""
    return random.Random(SEED)


@pytest.fixture
def pairs() -> int:
    """How many double crashes to try; more of them with `CRASH_PAIRS=5000`."""
    return PAIRS


@pytest.fixture(params=MODES)
def mode(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Settings of host.json under which a crash must make no difference."""
    return MODES[request.param]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if DEATHS:
        told = ", ".join(f"{count} {what}" for what, count in DEATHS.items())
        terminalreporter.section(f"crashes: task hubs killed {told} (CRASH_SEED={SEED})", sep="-")
