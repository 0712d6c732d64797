"""What each kind of action must carry.

The SDK always sends it. An answer that does not is refused as a whole before anything of it is kept: a field of the
wrong type that reached the store would be the end of the hub, not of one instance.
"""

from __future__ import annotations

from datetime import timedelta
from types import NoneType
from typing import Any

from localazure.durable.actions import COMPOUNDS, RETRIED, Action, ActionType
from localazure.durable.events import parse_time, time_text

LONGEST_RETRY_INTERVAL = timedelta(days=36_500)

_CHILD: dict[str, type | tuple[type, ...]] = {
    "functionName": str,
    "input": str,
    "instanceId": (str, NoneType),
    "version": (str, NoneType),
}
_ENTITY: dict[str, type | tuple[type, ...]] = {"instanceId": str, "operation": str, "input": str}
_FIELDS: dict[ActionType, dict[str, type | tuple[type, ...]]] = {
    ActionType.CALL_ACTIVITY: {"functionName": str, "input": str},
    ActionType.CALL_ACTIVITY_WITH_RETRY: {"functionName": str, "input": str, "retryOptions": dict},
    ActionType.CALL_CHILD: _CHILD,
    ActionType.CALL_CHILD_WITH_RETRY: _CHILD | {"retryOptions": dict},
    ActionType.CONTINUE_AS_NEW: {"input": str},
    ActionType.CREATE_TIMER: {"fireAt": str, "isCanceled": bool},
    ActionType.WAIT_FOR_EVENT: {"externalEventName": str},
    ActionType.CALL_ENTITY: _ENTITY,
    ActionType.CALL_HTTP: {"httpRequest": dict},
    ActionType.SIGNAL_ENTITY: _ENTITY,
    ActionType.WHEN_ANY: {"compoundActions": list},
    ActionType.WHEN_ALL: {"compoundActions": list},
}


class MalformedAction(Exception):
    """An action is of an unknown kind or lacks what its kind needs; the text says which."""


def check_shape(action: Any) -> None:
    """Look at an action and at all that it contains. Raises MalformedAction."""
    try:
        kind = ActionType(action["actionType"])
        for name, wanted in _FIELDS[kind].items():
            if not isinstance(action.get(name), wanted):
                raise MalformedAction(f"{kind.name} has {name} {action.get(name)!r}")
        _check_values(kind, action)
    except (KeyError, ValueError, TypeError, OverflowError) as malformed:
        raise MalformedAction(f"{action!r:.200}: {malformed!r}") from malformed
    if kind in COMPOUNDS:
        for child in action["compoundActions"]:
            check_shape(child)


def _check_values(kind: ActionType, action: Action) -> None:
    if kind == ActionType.CREATE_TIMER:
        time_text(parse_time(action["fireAt"]))
    elif kind in RETRIED:
        options = action["retryOptions"]
        int(options["maxNumberOfAttempts"])
        if timedelta(milliseconds=int(options["firstRetryIntervalInMilliseconds"])) > LONGEST_RETRY_INTERVAL:
            raise MalformedAction(f"{kind.name} has a retry interval above {LONGEST_RETRY_INTERVAL.days} days")
    elif kind in {ActionType.CALL_ENTITY, ActionType.SIGNAL_ENTITY} and not action["instanceId"].startswith("@"):
        raise MalformedAction(f"{kind.name} has instanceId {action['instanceId']!r}")
    elif kind == ActionType.CALL_HTTP:
        request = action["httpRequest"]
        if not isinstance(request["method"], str) or not isinstance(request["uri"], str):
            raise MalformedAction(f"{kind.name} has method {request['method']!r} and uri {request['uri']!r}")
