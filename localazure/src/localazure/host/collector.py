"""The garbage collector, set for a process that loads an app once and then runs many short functions."""

from __future__ import annotations

import gc

YOUNG_OBJECTS = 10_000


def settle() -> None:
    """Leave alone what is there after an app was loaded, and look at what is new less often.

    The app's modules and SDKs are some 100,000 objects that never go. By default each full collection looks at all of
    them, and there is one for every few hundred turns of an orchestrator: a sixth of what a workflow costs.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, *gc.get_threshold()[1:])
