"""Calls of user code that the host could not carry out: made again a few times, then failed.

An exception of user code is an answer (FunctionFailure). Any other exception says nothing about user code: no thread
could be had, the host has a defect. Such a call is repeated, since an instance that is left alone would wait for ever;
and it is not repeated without end, since someone has to see that it cannot be made.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from localazure.durable.functions import FunctionFailure

log = logging.getLogger("localazure.durable")

DELAYS_S = (0.05, 0.1, 0.2, 0.4, 0.8)
HOST_FAILURE = "HostFailure"


async def call_persistently(call: Callable[[], Awaitable[str]], what: str, goes_on: Callable[[], bool]) -> str:
    """The answer to `call`; `what` names it in logs, `goes_on` says whether the hub still works.

    Raises FunctionFailure: that of the call, or one of type HostFailure when no attempt could be carried out. Raises
    whatever the call did once the hub is stopping: its next start repeats the call.
    """
    attempt = 0
    while True:
        try:
            return await call()
        except FunctionFailure:
            raise
        except Exception as defect:
            if not goes_on():
                raise
            if attempt == len(DELAYS_S):
                text = f"the host could not run it in {attempt + 1} attempts: {type(defect).__name__}: {defect}"
                log.exception("the host could not run %s in %d attempts", what, attempt + 1)
                raise FunctionFailure(HOST_FAILURE, text) from defect
            log.warning("the host could not run %s, again in %s s: %r", what, DELAYS_S[attempt], defect)
        await asyncio.sleep(DELAYS_S[attempt])
        attempt += 1
