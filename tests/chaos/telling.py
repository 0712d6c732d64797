"""Telling a story with a trouble, at every moment at which the trouble can strike."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable

from tests.chaos.stories import Story
from tests.chaos.world import World

IS_WHOLE = bool(os.environ.get("CHAOS"))
"""Whether every case is run (`CHAOS=whole`), or only the core of them."""

MakeWorld = Callable[[Story], World]
Prove = Callable[[World, str], None]

_calls: dict[str, Counter[str]] = {}


def tell(story: Story, world: World, prove: Prove) -> None:
    """Play the story to its end, and see whether everything is as it must be."""
    story.play(world)
    if story.ends:
        assert [world.order(order_id).status for order_id in world.order_ids] == [story.ends]
    prove(world, story.name)


def calls_of(story: Story, world: MakeWorld, prove: Prove) -> Counter[str]:
    """How often each function is called when nothing goes wrong; the story is told once to know it."""
    if story.name not in _calls:
        told = world(story)
        tell(story, told, prove)
        kinds = ("activity", "orchestrator", "entity")
        _calls[story.name] = Counter(call.name for kind in kinds for call in told.hub.calls(kind=kind))
        told.close()
    return _calls[story.name]


def with_trouble(story: Story, world: World, prove: Prove, trouble: object) -> None:
    """Tell the story in a world that is in trouble, of which a failure tells."""
    try:
        tell(story, world, prove)
    except BaseException as error:
        error.add_note(f"the story is {story.name!r}, the trouble is {trouble}")
        raise
    finally:
        world.close()
