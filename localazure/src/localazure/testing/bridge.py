"""From the test's thread to the hub's loop and back, in step: a call is over when the hub has nothing more to do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from localazure.durable.errors import HubFailed
from localazure.durable.hub import TaskHub
from localazure.testing.errors import HubCrashed, StillBusy
from localazure.testing.loop_thread import loop_thread
from localazure.testing.runner import Runner

T = TypeVar("T")


class Bridge:
    """`timeout_s` are real seconds."""

    def __init__(self, runner: Runner, timeout_s: float) -> None:
        self._runner = runner
        self._timeout_s = timeout_s
        self._waits = True

    def do(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Run something on the loop. Raises StillBusy, which says what is running."""
        future = loop_thread().submit(work())
        try:
            return future.result(self._timeout_s)
        except TimeoutError:
            if future.done():
                raise  # the work's own
            future.cancel()
            raise StillBusy(self._busy_text()) from None

    def request(self, ask: Callable[[TaskHub], Awaitable[T]]) -> T:
        """Ask the hub for something and let it go idle. Raises what the request raises, StillBusy, HubCrashed."""

        async def work() -> T:
            crashes = self._runner.crashes
            try:
                answer = await ask(self._runner.life.hub)
            except HubFailed as failed:
                await self._runner.settle()
                if self._runner.crashes == crashes:
                    raise
                raise HubCrashed("the hub crashed before it answered; it is open again") from failed
            if self._waits:
                await self._runner.settle()
            return answer

        return self.do(work)

    @contextmanager
    def together(self) -> Iterator[None]:
        """Within the block requests are over when they are on disk; at its end the hub goes idle."""
        self._waits = False
        try:
            yield
        finally:
            self._waits = True
            self.do(self._runner.settle)

    def _busy_text(self) -> str:
        log = self._runner.log
        running = [f"{call.kind} {call.name} of instance '{call.instance_id}'" for call in log.running]
        if running:
            return f"after {self._timeout_s:g} s there is still at work: {', '.join(running)}"
        most = ", ".join(
            f"{name} {count} times" for name, count in Counter(call.name for call in log.all).most_common(3)
        )
        return f"after {self._timeout_s:g} s the hub is still not idle; it has called {most or 'nothing'}"
