"""Rewinding a whole tree of instances."""

from __future__ import annotations

from typing import Any

CHILDREN = 6


async def test_children_that_end_at_once_after_a_rewind_are_heard_by_their_parent(rig: Any) -> None:
    """Parent and children run again together: a child cannot end before its parent listens."""
    broken = [True]

    @rig.functions.activity
    def work(number: int) -> int:
        if broken[0]:
            raise RuntimeError("broke")
        return number

    @rig.functions.orchestrator
    def child(context: Any) -> Any:
        return (yield context.call_activity("work", context.get_input()))

    @rig.functions.orchestrator
    def parent(context: Any) -> Any:
        return sum((yield context.task_all([context.call_sub_orchestrator("child", n) for n in range(CHILDREN)])))

    assert (await rig.run("parent", None, "one")).status == "Failed"
    broken[0] = False
    await rig.client.rewind("one", "repaired")
    instance = await rig.finish("one")
    assert (instance.status, instance.output) == ("Completed", str(sum(range(CHILDREN))))
