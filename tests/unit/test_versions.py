"""A second version of an orchestrator beside the first: who goes on with which, in a task hub and over HTTP."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any

import azure.durable_functions as df
import pytest
from click.testing import CliRunner
from localazure.commands.replay import replay
from localazure.testing import Hub

from adapters import tokens
from adapters.orders import ORDER_KIND
from domain import names
from domain.callers import Caller, Role
from domain.orders import Order
from orchestrators.fulfil_order import fulfil_order
from orchestrators.ship_parcel import ship_parcel
from tests.unit.conftest import AT, PRICED
from tests.unit.next_version import an_app, fulfil_order_v2
from tests.unit.sagas import ASKING, DOWN, GOOD, PLENTY, REVIEW, SHORT, TaskHub, answer_to

FIRST, NEXT = "fulfil_order", "fulfil_order_v2"
ROOT = Path(__file__).resolve().parents[2]
BOSS = {"approved": True, "actor": "boss"}

Answers = dict[str, Any]
Place = Callable[..., None]


def only(order_id: str, particular: Any, otherwise: Any) -> Callable[[dict[str, Any]], Any]:
    """An answer to one order alone."""
    return lambda step: particular if step["order_id"] == order_id else otherwise


ANSWERS: Answers = {
    **GOOD,
    "assess_risk": only("o-approval", REVIEW, GOOD["assess_risk"]),
    "price_order": only("o-shortage", ASKING, PRICED),
    "reserve_stock": PLENTY,
    "reserve_stock__TEA": only("o-shortage", SHORT, PLENTY),
    "authorise_payment": only(
        "o-replay", {"outcome": "declined", "detail": "card_declined"}, GOOD["authorise_payment"]
    ),
    "release_stock": only("o-replay", DOWN, GOOD["release_stock"]),
}

WAITS = {
    "o-approval": "awaiting_approval",
    "o-shortage": "awaiting_customer",
    "o-parcel": "shipping",
    "o-replay": "needs_attention",
}
"""Orders, and where their sagas stop to wait for somebody."""


@pytest.fixture
def deploy(task_hub: TaskHub, tmp_path: Path) -> Callable[..., Hub]:
    """`deploy(orchestrator, …)`: the same task hub, in the place of what was deployed before."""
    opened: list[Hub] = []

    def start(*orchestrators: Any) -> Hub:
        at = AT
        if opened:
            at = opened[-1].now
            opened[-1].close()
        activities = {name: answer_to(name, ANSWERS) for name in GOOD if "__" not in name}
        app = an_app(ship_parcel, *orchestrators)
        opened.append(task_hub(app, activities=activities, time="skip", starts_at=at, state=tmp_path / "deployed"))
        return opened[-1]

    return start


@pytest.fixture
def place(an_order: Callable[..., Order]) -> Place:
    """`place(hub, "o-1", …)`: the change feed shows these orders, which are pending, as it does after a crash."""

    def feed(hub: Hub, *order_ids: str) -> None:
        orders = [an_order(order_id=order_id) for order_id in order_ids]
        documents = [{"id": order.order_id, "kind": ORDER_KIND, **order.to_json()} for order in orders]
        hub.trigger("start_unstarted_orders", json.dumps(documents))
        hub.advance(minutes=1)

    return feed


@pytest.fixture
def next_version(monkeypatch: pytest.MonkeyPatch) -> None:
    """New orders begin with the next version."""
    monkeypatch.setitem(names.SUCCESSORS, FIRST, NEXT)


@pytest.fixture
def operator(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The headers of an operator who is an approver, too."""

    async def verify(_: str) -> Caller:
        return Caller("acme", "u-1", frozenset({Role.OPERATOR, Role.APPROVER}))

    monkeypatch.setattr(tokens, "verify", verify)
    return {"Authorization": "Bearer word"}


def saga_of(order_id: str) -> str:
    return names.fulfil_instance_id("acme", order_id)


def versions(hub: Hub, order_ids: Iterable[str]) -> dict[str, str]:
    return {order_id: hub.instance(saga_of(order_id)).status().name for order_id in order_ids}


def stages(hub: Hub, order_ids: Iterable[str]) -> dict[str, str]:
    return {order_id: hub.instance(saga_of(order_id)).custom_status["stage"] for order_id in order_ids}


def still_needed(hub: Hub) -> set[str]:
    """The versions with instances that can still run, asked for as CONTRIBUTING.md says."""
    query = "instanceIdPrefix=fulfil:&runtimeStatus=Pending,Running,Suspended,Failed&showInput=false"
    found = hub.http("GET", f"/runtime/webhooks/durabletask/instances?{query}").json()
    return {instance["name"] for instance in found}


def finish(hub: Hub) -> None:
    """Everybody gives the answer that somebody waits for."""
    hub.replace("release_stock", GOOD["release_stock"])
    hub.raise_event(saga_of("o-approval"), "approval", BOSS)
    hub.raise_event(saga_of("o-shortage"), "shortage_answered", {"decision": "cancel", "actor": "c-17"})
    hub.raise_event(saga_of("o-replay"), "replay", {"actor": "u-1"})
    hub.advance(minutes=1)
    for parcel in hub.instances("ship:"):
        for word in ("shipped", "delivered"):
            parcel.raise_event(word, {"actor": "carrier-1"})


@pytest.mark.usefixtures("next_version")
def test_orders_under_way_end_with_the_version_they_began_with_and_new_ones_begin_with_the_next(
    deploy: Callable[..., Hub], place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as before:
        before.delitem(names.SUCCESSORS, FIRST)
        hub = deploy(fulfil_order)
        place(hub, *WAITS)
        assert stages(hub, WAITS) == WAITS

    hub = deploy(fulfil_order, fulfil_order_v2)
    place(hub, *WAITS, "o-new")

    assert versions(hub, [*WAITS, "o-new"]) == {**dict.fromkeys(WAITS, FIRST), "o-new": NEXT}
    assert stages(hub, WAITS) == WAITS
    assert still_needed(hub) == {FIRST, NEXT}
    finish(hub)
    ends = {order_id: hub.wait(saga_of(order_id)).output["status"] for order_id in (*WAITS, "o-new")}
    assert ends == {
        "o-approval": "delivered",
        "o-shortage": "cancelled",
        "o-parcel": "delivered",
        "o-replay": "rejected",
        "o-new": "delivered",
    }
    assert still_needed(hub) == set()
    assert [call.input["order_id"] for call in hub.calls("assess_risk")] == ["o-new", "o-new"]


def test_next_version_may_be_deployed_before_orders_begin_with_it(deploy: Callable[..., Hub], place: Place) -> None:
    hub = deploy(fulfil_order, fulfil_order_v2)

    place(hub, "o-new")

    assert versions(hub, ["o-new"]) == {"o-new": FIRST}


@pytest.mark.parametrize("version", [FIRST, NEXT])
def test_either_version_is_found_and_told_by_the_same_routes(
    version: str, deploy: Callable[..., Hub], place: Place, monkeypatch: pytest.MonkeyPatch, operator: dict[str, str]
) -> None:
    monkeypatch.setitem(names.SUCCESSORS, FIRST, version)
    hub = deploy(fulfil_order, fulfil_order_v2)
    place(hub, "o-approval")
    workflow = f"/api/v1/workflows/{saga_of('o-approval')}"

    shown = hub.http("GET", workflow, headers=operator)
    told = hub.http("POST", f"{workflow}/raiseEvent/approval", json=BOSS, headers=operator)

    assert (shown.status, shown.json()["name"], told.status) == (202, version, 202)
    assert stages(hub, ["o-approval"]) == {"o-approval": "shipping"}


@pytest.mark.parametrize("version", [FIRST, NEXT])
def test_either_version_is_rewound_by_the_same_route(
    version: str, deploy: Callable[..., Hub], place: Place, monkeypatch: pytest.MonkeyPatch, operator: dict[str, str]
) -> None:
    monkeypatch.setitem(names.SUCCESSORS, FIRST, version)
    hub = deploy(fulfil_order, fulfil_order_v2)
    with monkeypatch.context() as until_it_is_mended:
        until_it_is_mended.delitem(fulfil_order.__globals__, "_decide")
        place(hub, "o-1")
    assert hub.instance(saga_of("o-1")).runtime_status == "Failed"

    rewound = hub.http("POST", f"/api/v1/workflows/{saga_of('o-1')}/rewind", headers=operator)
    hub.advance(minutes=1)

    assert rewound.status == 202
    assert (versions(hub, ["o-1"]), stages(hub, ["o-1"])) == ({"o-1": version}, {"o-1": "shipping"})


@pytest.mark.usefixtures("next_version")
def test_histories_of_both_versions_are_replayed_by_the_command(
    deploy: Callable[..., Hub], place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = deploy(fulfil_order, fulfil_order_v2)
    place(hub, "o-approval")
    recorded = tmp_path / f"{NEXT}.awaiting_approval.json"
    hub.instance(saga_of("o-approval")).record(recorded)
    known = sorted((ROOT / "tests/replay/histories").glob("fulfil_order.*.json"))
    app = tmp_path / "app"
    app.mkdir()
    (app / "host.json").write_text('{"version": "2.0"}')
    (app / "function_app.py").write_text(
        "import azure.durable_functions as df\n"
        "from orchestrators.fulfil_order import fulfil_order\n"
        "from tests.unit.next_version import an_app, fulfil_order_v2\n"
        "app = df.DFApp()\n"
        "app.register_functions(an_app(fulfil_order, fulfil_order_v2))\n"
    )
    monkeypatch.syspath_prepend(str(ROOT))

    told = CliRunner().invoke(replay, [*map(str, (*known, recorded)), "--app", str(app)])

    assert (told.output, told.exit_code) == (f"{len(known) + 1} histories replay.\n", 0)


def test_steps_changed_in_place_stop_what_is_under_way(deploy: Callable[..., Hub], place: Place) -> None:
    hub = deploy(fulfil_order)
    place(hub, "o-approval")

    hub = deploy(changed_in_place())
    hub.raise_event(saga_of("o-approval"), "approval", BOSS)

    stopped = hub.wait(saga_of("o-approval"), within=timedelta(hours=1))
    assert stopped.runtime_status == "Failed"
    assert "expected WAIT_FOR_EVENT cancel, got CALL_ACTIVITY assess_risk" in str(stopped.output)


def changed_in_place() -> Callable[..., Any]:
    """The next version under the name of the first."""

    def fulfil_order(context: df.DurableOrchestrationContext) -> Any:
        return (yield from fulfil_order_v2(context))

    return fulfil_order
