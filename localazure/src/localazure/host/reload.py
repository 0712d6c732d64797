"""Notices that the app's sources have changed, and has the host begin anew once the new code can be loaded.

The new code is loaded in a process of its own first. So a mistake in it never ends the code that runs.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
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
    sources = Sources(root)
    before = sources.look()
    while True:
        after = await _next_change(sources, before)
        names = _names_of_changes(root, before, after)
        before = after
        if not (problem := await _problem_of(check)):
            log.warning("%s changed: the app is loaded anew.", names)
            begin_anew.set()
            return
        log.error("%s changed, but cannot be used: what ran before goes on until the next change.\n%s", names, problem)


class Sources:
    """The app's Python files, host.json and local.settings.json; without tests and what .funcignore leaves out."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._files: list[Path] = []
        self._folders: Snapshot = {}

    def look(self) -> Snapshot:
        """All files as they are now. The tree is only walked when a folder has changed, because walking costs."""
        if not self._folders or _stamps(self._folders) != self._folders:
            self._walk()
        return _stamps(self._files)

    def _walk(self) -> None:
        ignored = (*_NEVER_SOURCES, *_ignored_names(self._root))
        self._files, walked = [self._root / name for name in _FILES], []
        for folder, folders, files in os.walk(self._root):
            here = Path(folder)
            walked.append(here)
            folders[:] = [
                name for name in folders if not _matches(name, ignored) and not (here / name / "pyvenv.cfg").exists()
            ]
            self._files += [here / name for name in files if name.endswith(".py") and not _matches(name, ignored)]
        self._folders = _stamps(walked)


def _stamps(paths: Iterable[Path]) -> Snapshot:
    """Of those that exist."""
    found = {}
    for path in paths:
        with suppress(FileNotFoundError):
            facts = path.stat()
            found[path] = (facts.st_mtime_ns, facts.st_size)
    return found


def _ignored_names(root: Path) -> list[str]:
    """The names, or patterns of names, that .funcignore has; paths and exceptions do not matter here."""
    file = root / _FUNCIGNORE
    lines = file.read_text(errors="replace").splitlines() if file.exists() else []
    names = [line.strip().rstrip("/") for line in lines]
    return [name for name in names if name and name[0] not in "#!" and "/" not in name]


def _matches(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatch(name, pattern) for pattern in patterns)


async def _next_change(sources: Sources, before: Snapshot) -> Snapshot:
    """Wait for a change, and then until nothing changes any more: editors and branches write many files."""
    after = before
    while after == before:
        await asyncio.sleep(LOOK_EVERY_S)  # nothing tells of changed files but looking
        after = sources.look()
    while True:
        await asyncio.sleep(QUIET_S)
        if (latest := sources.look()) == after:
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
