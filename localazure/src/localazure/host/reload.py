"""Notices that the app's sources have changed, and has the host begin anew once the new code can be loaded.

The new code is loaded in a process of its own first. So a mistake in it never ends the code that runs.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

log = logging.getLogger(__name__)

LOOK_EVERY_S = 1.0
QUIET_S = 0.3
_FILES = ("host.json", "local.settings.json")
_NEVER_SOURCES = ("tests", "__pycache__", "node_modules", ".*")
_FUNCIGNORE = ".funcignore"

Snapshot = Mapping[Path, tuple[int, int]]
"""Time of change and size of each source."""


@dataclass(frozen=True)
class CheckCommand:
    """How to find out in another process whether the app can be loaded: exit code 0, or a text on standard error."""

    words: Sequence[str]
    environment: Mapping[str, str]
    folder: Path


async def reload_on_change(root: Path, check: CheckCommand, begin_anew: asyncio.Event) -> None:
    """Set the event once sources below `root` have changed to something that can be loaded."""
    before = snapshot(root)
    while True:
        after = await _next_change(root, before)
        names = _names_of_changes(root, before, after)
        before = after
        if not (problem := await _problem_of(check)):
            log.warning("%s changed: the app is loaded anew.", names)
            begin_anew.set()
            return
        log.error("%s changed, but cannot be used: what ran before goes on until the next change.\n%s", names, problem)


def snapshot(root: Path) -> Snapshot:
    """The app's Python files, host.json and local.settings.json; without tests and what .funcignore leaves out."""
    found = {}
    for path in _sources(root):
        try:
            facts = path.stat()
        except FileNotFoundError:  # deleted, or about to be replaced
            continue
        found[path] = (facts.st_mtime_ns, facts.st_size)
    return found


def _sources(root: Path) -> Iterator[Path]:
    yield from (root / name for name in _FILES)
    ignored = (*_NEVER_SOURCES, *_ignored_names(root))
    for folder, folders, files in os.walk(root):
        here = Path(folder)
        folders[:] = [
            name for name in folders if not _matches(name, ignored) and not (here / name / "pyvenv.cfg").exists()
        ]
        yield from (here / name for name in files if name.endswith(".py") and not _matches(name, ignored))


def _ignored_names(root: Path) -> list[str]:
    """The names, or patterns of names, that .funcignore has; paths and exceptions do not matter here."""
    file = root / _FUNCIGNORE
    lines = file.read_text(errors="replace").splitlines() if file.exists() else []
    names = [line.strip().rstrip("/") for line in lines]
    return [name for name in names if name and name[0] not in "#!" and "/" not in name]


def _matches(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatch(name, pattern) for pattern in patterns)


async def _next_change(root: Path, before: Snapshot) -> Snapshot:
    """Wait for a change, and then until nothing changes any more: editors and branches write many files."""
    after = before
    while after == before:
        await asyncio.sleep(LOOK_EVERY_S)  # nothing tells of changed files but looking
        after = snapshot(root)
    while True:
        await asyncio.sleep(QUIET_S)
        if (latest := snapshot(root)) == after:
            return after
        after = latest


def _names_of_changes(root: Path, before: Snapshot, after: Snapshot) -> str:
    changed = sorted(path for path in {*before, *after} if before.get(path) != after.get(path))
    return ", ".join(str(path.relative_to(root)) for path in changed) or "Something"


async def _problem_of(check: CheckCommand) -> str:
    """What is wrong with the app as it is now; empty when it can be loaded."""
    process = await asyncio.create_subprocess_exec(
        *check.words,
        env=check.environment,
        cwd=check.folder,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        _, problem = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    return problem.decode(errors="replace").strip() or "It cannot be loaded." if process.returncode else ""
