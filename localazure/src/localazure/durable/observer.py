"""Where tests stand: the two moments of every commit, at which a process may die.

Whoever makes a `TaskHub` may give it an observer; production gives none. Together with a wrapper around `Functions`,
which is called before and after each effect of user code, it reaches every point at which a crash makes a difference:

    hub = TaskHub(settings, functions, path, clock, observer)

An observer may end the process, wait, or raise. Raising is a crash without the death: the hub's store fails for good
(`HubFailed` to everyone who waits), nothing more is written, and another hub can be opened on the file after `stop`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol


class Change(Protocol):
    """One change of a commit.

    `kind` is the name of the function that writes it: in `sqlite_instances` `create`, `send`, `finish_activity`,
    `commit` (an episode), `rewind`, `purge`, `purge_matching`; in `sqlite_entities` `request`, `commit_entity`. A
    hub that opens its file writes `prepare`. A hub on ":memory:" has one thread for all, so its reads appear as well.
    `subject` is what that function was given first: a Start, Delivery, Activity, EpisodeCommit ...
    """

    @property
    def kind(self) -> str: ...

    @property
    def subject(self) -> Any: ...


class Observer(Protocol):
    """Called on the thread that writes, once per commit; a commit holds all changes that were queued when it began."""

    def before_commit(self, changes: Sequence[Change]) -> None:
        """Everything is written, nothing is on disk: whoever asked for these changes has no answer."""
        ...

    def after_commit(self, changes: Sequence[Change]) -> None:
        """Everything is on disk, and nobody knows yet."""
        ...
