"""Calls that the host cannot carry out: repeated a few times, then failed with a text that says so."""

from __future__ import annotations

from typing import Any

import pytest
from azure.durable_functions import EntityId

ATTEMPTS = 6


class BrokenSeam:
    """Raises what no user code raised, for the first calls."""

    def __init__(self, call: Any, failures: int) -> None:
        self._call = call
        self._failures = failures
        self.calls = 0

    async def __call__(self, *arguments: str) -> str:
        self.calls += 1
        if self.calls <= self._failures:
            raise OSError("no thread to be had")
        return str(await self._call(*arguments))


@pytest.fixture
def asker(rig: Any) -> Any:
    @rig.functions.entity
    def box(context: Any) -> None:
        context.set_result("answered")

    @rig.functions.orchestrator
    def asks(context: Any) -> Any:
        try:
            return (yield context.call_entity(EntityId("box", "k"), "get"))
        except Exception as caught:  # noqa: BLE001  # the SDK raises nothing narrower
            return str(caught)

    return rig


async def test_an_orchestrator_that_the_host_cannot_run_is_called_again(asker: Any) -> None:
    asker.functions.call_orchestrator = BrokenSeam(asker.functions.call_orchestrator, failures=2)
    assert await asker.output("asks") == "answered"


async def test_an_orchestrator_that_the_host_can_never_run_fails_and_can_be_rewound(asker: Any) -> None:
    working = asker.functions.call_orchestrator
    broken = asker.functions.call_orchestrator = BrokenSeam(working, failures=1000)
    instance = await asker.run("asks", None, "one")
    assert (instance.status, broken.calls) == ("Failed", ATTEMPTS)
    assert instance.output == (
        "Orchestrator function 'asks' failed: HostFailure: the host could not run it in 6 attempts: "
        "OSError: no thread to be had"
    )
    asker.functions.call_orchestrator = working
    await asker.client.rewind("one", "the host works again")
    assert (await asker.finish("one")).output == '"answered"'


async def test_an_entity_that_the_host_can_never_run_answers_its_caller(asker: Any) -> None:
    working = asker.functions.call_entity
    asker.functions.call_entity = BrokenSeam(working, failures=ATTEMPTS)
    assert "the host could not run it in 6 attempts" in await asker.output("asks")
    assert await asker.output("asks") == "answered"


async def test_a_stop_leaves_a_call_that_failed_to_the_next_start(asker: Any) -> None:
    working = asker.functions.call_orchestrator

    async def stops(*_: str) -> str:
        asker.hub._orchestrations._accepting = False
        raise OSError("no thread to be had")

    asker.functions.call_orchestrator = stops
    await asker.client.start_new("asks", "one")
    await asker.idle()
    asker.functions.call_orchestrator = working
    await asker.restart()
    assert (await asker.finish("one")).output == '"answered"'
