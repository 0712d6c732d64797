"""Activities: their order, values and failures."""

from __future__ import annotations

from typing import Any


async def test_d013_three_activities_in_sequence_return_their_results_in_order(rig: Any) -> None:
    rig.functions.activity(lambda name: f"Hello {name}", "hello")

    @rig.functions.orchestrator
    def chain(context: Any) -> Any:
        results = []
        for name in ("a", "b", "c"):
            results.append((yield context.call_activity("hello", name)))
        return results

    assert await rig.output("chain") == ["Hello a", "Hello b", "Hello c"]
