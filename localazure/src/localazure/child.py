"""The contract between the server and each process it starts.

A child is told two file descriptors by its environment:

- LOCALAZURE_READY_FD: it writes one JSON object there, once, when it can be used (`announce_ready`).
- LOCALAZURE_PARENT_FD: the read end of a pipe whose other end only the server holds. End of file means that the
  server is gone, however it died; the child then ends itself (`follow_parent`), so that no port stays taken.

Both are absent when a service is started by hand, and both calls then do nothing. A child that finds a port taken ends
with the code PORT_TAKEN after one line that names the port and the option which changes it.
"""

from __future__ import annotations

import json
import os
import signal
import threading
import time

READY_FD = "LOCALAZURE_READY_FD"
PARENT_FD = "LOCALAZURE_PARENT_FD"

PORT_TAKEN = 3
ORPHAN_GRACE_S = 5.0


def announce_ready(**facts: str | int) -> None:
    """Tell the server that this process can be used, and what it should know (URLs, ports)."""
    fd = os.environ.pop(READY_FD, "")
    if fd:
        with os.fdopen(int(fd), "w") as ready:
            ready.write(json.dumps({"pid": os.getpid(), **facts}))


def follow_parent() -> None:
    """End this process, as by SIGTERM, once the server that started it is gone."""
    fd = os.environ.pop(PARENT_FD, "")
    if fd:
        threading.Thread(target=_end_at_eof, args=(int(fd),), name="follow-parent", daemon=True).start()


def _end_at_eof(fd: int) -> None:
    while os.read(fd, 1):
        pass  # nothing is ever written: only the end of file matters
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(ORPHAN_GRACE_S)  # the graceful stop ends the process, and with it this thread
    os._exit(1)
