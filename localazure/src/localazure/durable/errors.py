"""What can be wrong with a request to the task hub. Each error knows its HTTP status; http.py renders it."""

from __future__ import annotations


class HubError(Exception):
    """A request that is refused. `status` is the answer's HTTP status."""

    status = 500


class InvalidRequest(HubError):
    """The request itself is wrong; repeating it is no use."""

    status = 400


class InvalidArgument(InvalidRequest):
    """An id or a name in the request cannot be used."""


class UnknownFunction(InvalidArgument):
    """No function of that kind has the name."""


class InstanceNotFound(HubError):
    status = 404


class InstanceExists(HubError):
    """An instance of that id is not finished."""

    status = 409


class InstanceEnded(HubError):
    """The instance is in a final state, or in one that does not allow the operation."""

    status = 410


class Superseded(HubError):
    """The instance was replaced while an episode of its former execution ran."""

    status = 409


class InstanceRunning(HubError):
    """Only finished instances can be purged."""

    status = 412


class PayloadTooLarge(HubError):
    """An input, an event's data or an operation's input is longer than the settings allow."""

    status = 413


class HubFailed(HubError):
    """The store has failed; the hub does no more work until it is started again."""

    status = 503


class HubInUse(Exception):
    """Another process works on the same hub file."""
