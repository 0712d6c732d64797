"""Warns when the event loop is blocked, and says by which function: meanwhile every other one stands still."""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

from localazure.host.functions import HostedFunction
from localazure.host.tracebacks import is_user_code

log = logging.getLogger(__name__)

LIMIT_S = 1.0
LOOK_EVERY_S = 0.5


class LoopWatchdog:
    """Asks the loop for a sign of life again and again, from a thread of its own. Make it on the loop's thread."""

    def __init__(self, loop: asyncio.AbstractEventLoop, root: Path) -> None:
        self._loop = loop
        self._loop_thread = threading.get_ident()
        self._root = root
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="loop-watchdog", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._ended.set()

    def _watch(self) -> None:
        while not self._ended.wait(LOOK_EVERY_S):
            answered = threading.Event()
            try:
                self._loop.call_soon_threadsafe(answered.set)
            except RuntimeError:  # the loop has been closed
                return
            if not answered.wait(LIMIT_S) and not self._ended.is_set():
                self._report()
                answered.wait()

    def _report(self) -> None:
        frames = list(_frames(sys._current_frames().get(self._loop_thread)))
        function = next((found for frame in frames if (found := _function_of(frame)) is not None), None)
        who = f"the function '{function.name}'" if function else "the host or one of its libraries"
        log.warning(
            "The event loop has been blocked for more than a second by %s%s: nothing else runs meanwhile."
            " Await what waits, or make it a plain function, which gets a thread.",
            who,
            next((f" ({_place(frame, self._root)})" for frame in frames if _is_users(frame, self._root)), ""),
        )


def _frames(frame: FrameType | None) -> Iterator[FrameType]:
    """From the innermost one outwards."""
    while frame is not None:
        yield frame
        frame = frame.f_back


def _function_of(frame: FrameType) -> HostedFunction | None:
    """The function that this frame of the host runs."""
    found = frame.f_locals.get("function")
    return found if isinstance(found, HostedFunction) else None


def _is_users(frame: FrameType, root: Path) -> bool:
    return is_user_code(Path(frame.f_code.co_filename), root)


def _place(frame: FrameType, root: Path) -> str:
    path = Path(frame.f_code.co_filename)
    return f"{path.relative_to(root)}:{frame.f_lineno} in {frame.f_code.co_name}"
