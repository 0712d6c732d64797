"""The triggers that this host has: what each demands at indexing and how each is run by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from azure.functions.meta import Datum

from localazure.host import blob_trigger, cosmos_trigger, queue_trigger, timer_trigger
from localazure.host.functions import HostedFunction
from localazure.host.http import event_grid, manual
from localazure.host.http.routes import route_of
from localazure.host.invocation import MANUAL_REASON, TriggerCall


@dataclass(frozen=True)
class TriggerKind:
    """`check` raises IndexingError; `manual_call` makes a call of the text of an admin request.

    `manual_call` is None for what only the task hub can run, and for what must be looked up first.
    """

    check: Callable[[HostedFunction], None]
    manual_call: Callable[[HostedFunction, str], TriggerCall] | None


def _anything_goes(_: HostedFunction) -> None:
    """For triggers without properties that could be wrong."""


def _text_call(_: HostedFunction, text: str) -> TriggerCall:
    return TriggerCall(Datum(text, "string"), MANUAL_REASON)


def _check_route(function: HostedFunction) -> None:
    route_of(function, prefix="")


TRIGGER_KINDS: dict[str, TriggerKind] = {
    "httptrigger": TriggerKind(_check_route, manual.http_call),
    "queuetrigger": TriggerKind(queue_trigger.check, queue_trigger.manual_call),
    "timertrigger": TriggerKind(timer_trigger.check, timer_trigger.manual_call),
    "cosmosdbtrigger": TriggerKind(cosmos_trigger.check, cosmos_trigger.manual_call),
    "eventgridtrigger": TriggerKind(_anything_goes, event_grid.manual_call),
    blob_trigger.TRIGGER: TriggerKind(blob_trigger.check, None),
    "warmuptrigger": TriggerKind(_anything_goes, _text_call),
    "activitytrigger": TriggerKind(_anything_goes, _text_call),
    "orchestrationtrigger": TriggerKind(_anything_goes, None),
    "entitytrigger": TriggerKind(_anything_goes, None),
}
