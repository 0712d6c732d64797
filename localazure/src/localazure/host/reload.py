"""Notices that the app's sources have changed, and tells once the new code can be loaded.

The new code is loaded in a process of its own first. So a mistake in it ends neither the code that runs nor the host.
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
OLD_CODE_RUNS = "what ran before goes on until the next change."
NOTHING_RUNS = "nothing runs until the next change."
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

    async def started(self) -> asyncio.subprocess.Process:
        """Raises OSError."""
        return await asyncio.create_subprocess_exec(
            *self.words,
            env=self.environment,
            cwd=self.folder,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )


class Watch:
    """Compares the sources below `root` with those that were loaded. Make it before: then no change is missed."""

    def __init__(self, root: Path, check: CheckCommand) -> None:
        self._root = root
        self._check = check
        self._sources = Sources(root)
        self._known = self._sources.look()

    @property
    def sees_change(self) -> bool:
        """Whether the sources are others than those that were looked at last."""
        return self._sources.look() != self._known

    async def loadable_change(self, meanwhile: str) -> None:
        """Wait for a change with which the app can be loaded.

        Any other is reported with what is wrong, and with `meanwhile`: what the host does until the next one.
        """
        while True:
            latest = await self._next_change()
            names = self._names_of_changes(latest)
            problem = await self._problem(latest)
            if problem is None:
                continue
            self._known = latest
            if not problem:
                log.warning("%s changed: the app is loaded anew.", names)
                return
            log.error("%s changed, but cannot be used: %s\n%s", names, meanwhile, problem)

    async def _next_change(self) -> Snapshot:
        """Wait for a change, and then until nothing changes any more: editors and branches write many files."""
        latest = self._sources.look()
        while latest == self._known:
            await asyncio.sleep(LOOK_EVERY_S)  # nothing tells of changed files but looking
            latest = self._sources.look()
        while True:
            await asyncio.sleep(QUIET_S)
            before, latest = latest, self._sources.look()
            if latest == before:
                return latest

    def _names_of_changes(self, latest: Snapshot) -> str:
        known = self._known
        changed = sorted(path for path in {*known, *latest} if known.get(path) != latest.get(path))
        return ", ".join(str(path.relative_to(self._root)) for path in changed) or "Something"

    async def _problem(self, snapshot: Snapshot) -> str | None:
        """What is wrong with the app in this snapshot; empty when it can be loaded, None when it changes meanwhile.

        So code that waits for ever when it is imported is forgotten, too, once it is mended.
        """
        try:
            process = await self._check.started()
        except OSError as error:
            return f"It cannot be found out whether it can be loaded: {error}"
        loading = asyncio.ensure_future(process.communicate())
        try:
            while not loading.done():
                await asyncio.wait([loading], timeout=LOOK_EVERY_S)
                if self._sources.look() != snapshot:
                    return None
        finally:
            if process.returncode is None:
                process.kill()
        _, problem = loading.result()
        return problem.decode(errors="replace").strip() or "It cannot be loaded." if process.returncode else ""


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
    """Of those that can be looked at: not of files that have gone meanwhile, and of links that lead nowhere."""
    found = {}
    for path in paths:
        try:
            facts = os.stat(path)  # noqa: PTH116  # every second for each file: half the cost of the other way
        except OSError:
            continue
        found[path] = (facts.st_mtime_ns, facts.st_size)
    return found


def _ignored_names(root: Path) -> list[str]:
    """The names, or patterns of names, that .funcignore has; paths and exceptions do not matter here."""
    text = ""
    with suppress(OSError):  # most apps have none
        text = (root / _FUNCIGNORE).read_text(errors="replace")
    names = [line.strip().rstrip("/") for line in text.splitlines()]
    return [name for name in names if name and name[0] not in "#!" and "/" not in name]


def _matches(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatch(name, pattern) for pattern in patterns)
