"""Tracebacks that begin with the user's code: frames of the host and the SDK above it help nobody."""

from __future__ import annotations

import traceback
from pathlib import Path
from types import TracebackType

import localazure

_OURS = Path(localazure.__file__).parent
_DURABLE_STATE = "\n\n$OutOfProcData$:"


def user_traceback(error: BaseException, root: Path) -> str:
    """The traceback of `error` from the first frame under `root` on, or all of it when there is none."""
    cause = error.__cause__
    if cause is not None and cause.__traceback__ is not None and _DURABLE_STATE in str(error):
        # The durable SDK re-raises an orchestrator's own exception with its state attached.
        return user_traceback(cause, root)
    lines = traceback.format_exception(type(error), error, _first_user_frame(error.__traceback__, root))
    return "".join(lines).split(_DURABLE_STATE)[0].rstrip()


def _first_user_frame(tb: TracebackType | None, root: Path) -> TracebackType | None:
    frame = tb
    while frame is not None:
        if is_user_code(Path(frame.tb_frame.f_code.co_filename), root):
            return frame
        frame = frame.tb_next
    return tb


def is_user_code(path: Path, root: Path) -> bool:
    """A virtual environment and localazure itself may lie below the app's root."""
    return path.is_relative_to(root) and "site-packages" not in path.parts and not path.is_relative_to(_OURS)
