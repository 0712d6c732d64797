"""Dead letters with real storage: how they are found, what a second chance does for each kind, and who decided what."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from activities.flag_order import flag_order
from activities.park_dead_letter import park_dead_letter
from activities.record_transition import record_transition
from activities.refund_payment import refund_payment
from activities.settle_dead_letter import settle_dead_letter
from adapters import dead_letters
from adapters.cosmos import Container
from adapters.dead_letters import DeadLetter
from domain.names import fulfil_instance_id, register_instance_id
from domain.orders import Order
from tests.integration.api import Api, Workflows
from tests.integration.attention import attended, flagged
from tests.integration.conftest import Admin, AnOrder, a_step
from tests.integration.provider import Provider
from tests.integration.test_captures import a_parcel, held, taken

CANCELED = "payment_intent.canceled"


async def parked(order: Order, step: str, minutes: int = 0, **more: Any) -> str:
    """A step that kept failing; the letter's id."""
    at = datetime.now(UTC) + timedelta(minutes=minutes)
    told = {
        "instance_id": fulfil_instance_id(order.tenant_id, order.order_id),
        "step": step,
        "payload": a_step(order, **more.pop("payload", {})),
        "fault": f"{step} kept failing",
    }
    return str((await park_dead_letter({**a_step(order, **told, **more), "at": at.isoformat()}))["letter_id"])


class TestFinding:
    async def test_letters_are_listed_newest_first_page_by_page(self, admin: Admin, an_order: AnOrder) -> None:
        order = await an_order()
        ids = [await parked(order, "release_stock", minutes, subject=f"S{minutes}") for minutes in (1, 3, 2, 2)]
        ids[3] = await parked(order, "restock", 2, subject="S2")

        first = await admin("GET", "/v1/dead-letters?limit=2")
        second = await admin("GET", f"/v1/dead-letters?limit=2&continuation={first.body['continuation']}")

        listed = [letter["letterId"] for page in (first, second) for letter in page.body["items"]]
        assert listed[0] == ids[1]
        assert set(listed[1:3]) == {ids[2], ids[3]}
        assert listed[3:] == [ids[0]]
        assert "continuation" not in second.body
        assert 'rel="next"' in first.headers["Link"]

    async def test_letters_are_found_by_status_source_and_order(self, admin: Admin, an_order: AnOrder) -> None:
        one, other = await an_order(), await an_order()
        stock, mail = await parked(one, "release_stock"), await parked(one, "send_confirmation")
        late = await parked(other, "release_stock")
        await admin("DELETE", f"/v1/dead-letters/{late}")

        async def found(query: str) -> set[str]:
            return {letter["letterId"] for letter in (await admin("GET", f"/v1/dead-letters?{query}")).body["items"]}

        assert await found("status=open") == {stock, mail}
        assert await found("status=discarded") == {late}
        assert await found(f"orderId={one.order_id}") == {stock, mail}
        assert await found("source=release_stock") == {stock, late}
        assert await found("source=release_stock&status=open") == {stock}
        assert (await admin("GET", f"/v1/dead-letters/{mail}")).body["source"] == "send_confirmation"

    @pytest.mark.parametrize("query", ["status=lost", "limit=0", "continuation=%21"])
    async def test_senseless_filters_are_refused(self, admin: Admin, query: str) -> None:
        answer = await admin("GET", f"/v1/dead-letters?{query}")

        assert (answer.status, answer.body["errors"][0]["pointer"]) == (400, query.partition("=")[0])

    @pytest.mark.parametrize("letter_id", ["..", ".", "a:..", "none", "%20", "a%3Fb", "a%23b", "a%2Fb", "%C3%A9"])
    async def test_what_is_no_letter_is_not_found(self, admin: Admin, letter_id: str) -> None:
        for method, path in (("GET", ""), ("DELETE", ""), ("POST", "/replay")):
            assert (await admin(method, f"/v1/dead-letters/{letter_id}{path}")).status == 404

    @pytest.mark.parametrize(("method", "path"), [("GET", ""), ("DELETE", ""), ("POST", "/replay")])
    async def test_letters_of_others_are_not_found_and_operators_have_no_say(
        self, admin: Admin, api: Api, an_order: AnOrder, method: str, path: str
    ) -> None:
        letter_id = await parked(await an_order(), "restock")
        stranger = await api(method, f"/v1/dead-letters/{letter_id}{path}", as_="t-other admin a-1")

        assert stranger.status == 404
        assert (await admin(method, f"/v1/dead-letters/{letter_id}{path}", "operator")).status == 403


class TestStepsThatAWorkflowWaitsFor:
    async def test_all_letters_of_the_workflow_are_replayed_with_one(
        self, admin: Admin, api: Api, an_order: AnOrder
    ) -> None:
        order = await an_order()
        saga = fulfil_instance_id(order.tenant_id, order.order_id)
        api.hub = Workflows(saga)
        stock, money = (
            await parked(order, "release_stock", awaited=True),
            await parked(order, "void_payment", awaited=True),
        )
        mail = await parked(order, "send_confirmation")

        answer = await admin("POST", f"/v1/dead-letters/{stock}/replay")

        assert (answer.status, answer.body["id"]) == (202, saga)
        assert api.hub.done == [("raise_event", saga, "replay", {"letterId": stock, "actor": "admin-1"})]
        for letter_id, status in ((stock, "replayed"), (money, "replayed"), (mail, "open")):
            assert (await dead_letters.get(order.tenant_id, letter_id)).status == status
        [handling] = (await dead_letters.get(order.tenant_id, money)).handled
        assert (handling.actor, handling.outcome) == ("admin-1", "told")

    async def test_letter_of_a_replay_that_failed_is_open_again_and_told_again(
        self, admin: Admin, api: Api, an_order: AnOrder
    ) -> None:
        order = await an_order()
        api.hub = Workflows(fulfil_instance_id(order.tenant_id, order.order_id))
        letter_id = await parked(order, "release_stock", awaited=True)
        await admin("POST", f"/v1/dead-letters/{letter_id}/replay")

        assert await parked(order, "release_stock", minutes=1, awaited=True) == letter_id

        letter = await dead_letters.get(order.tenant_id, letter_id)
        assert (letter.status, letter.attempts, len(letter.handled)) == ("open", 2, 1)
        assert (await admin("POST", f"/v1/dead-letters/{letter_id}/replay")).status == 202
        assert len((await dead_letters.get(order.tenant_id, letter_id)).handled) == 2

    async def test_failure_that_overtakes_the_note_of_the_replay_keeps_the_letter_open(
        self, an_order: AnOrder, tenant_id: str
    ) -> None:
        order = await an_order()
        letter = await dead_letters.get(tenant_id, await parked(order, "release_stock", awaited=True))
        now = datetime.now(UTC)
        for _ in range(2):
            await dead_letters.note(tenant_id, letter, dead_letters.Outcome.TOLD, now, "admin-1")
        await parked(order, "release_stock", minutes=1, awaited=True)

        await dead_letters.note(tenant_id, letter, dead_letters.Outcome.TOLD, now + timedelta(seconds=1), "admin-2")

        assert (await dead_letters.get(tenant_id, letter.letter_id)).is_open

    async def test_step_whose_workflow_has_ended_is_run_without_it(
        self, admin: Admin, api: Api, an_order: AnOrder
    ) -> None:
        letter_id = await parked(await an_order(), "release_stock", awaited=True, payload={"sku": "TEA"})

        assert (await admin("POST", f"/v1/dead-letters/{letter_id}/replay")).status == 202

        [(_, name, told)] = api.hub.done
        assert (name, told["step"], told["payload"]["sku"]) == ("replay_step", "release_stock", "TEA")

    async def test_discarding_what_a_workflow_waits_for_is_refused_with_the_mend(
        self, admin: Admin, api: Api, an_order: AnOrder
    ) -> None:
        order = await an_order()
        api.hub = Workflows(fulfil_instance_id(order.tenant_id, order.order_id))
        letter_id = await parked(order, "release_stock", awaited=True)

        answer = await admin("DELETE", f"/v1/dead-letters/{letter_id}")

        assert answer.status == 409
        assert "waits for release_stock" in answer.body["detail"]
        assert "replay the letter" in answer.body["detail"]
        assert (await dead_letters.get(order.tenant_id, letter_id)).is_open

    async def test_letter_that_is_not_about_an_order_is_parked_told_and_settled_alone(
        self, admin: Admin, api: Api, tenant_id: str
    ) -> None:
        waiting = register_instance_id(tenant_id, "c-17", "r1")
        api.hub = Workflows(waiting)
        about = {"tenant_id": tenant_id, "user_id": "c-17", "correlation_id": "c", "at": datetime.now(UTC).isoformat()}
        told = {"step": "send_mail", "subject": "awaited", "payload": about, "fault": "down", "awaited": True}
        step = {**about, **told, "instance_id": waiting}
        letter_id = (await park_dead_letter(step))["letter_id"]
        other = {**step, "instance_id": register_instance_id(tenant_id, "c-18", "r1")}
        open_still = (await park_dead_letter(other))["letter_id"]

        answer = await admin("POST", f"/v1/dead-letters/{letter_id}/replay")
        settled = await settle_dead_letter({**about, "letter_id": letter_id, "actor": "admin-1", "outcome": "done"})

        assert (answer.status, answer.body["id"], "order" in answer.body) == (202, waiting, False)
        assert settled == {"outcome": "settled", "status": "replayed"}
        assert [each.outcome for each in (await dead_letters.get(tenant_id, letter_id)).handled] == ["told"]
        assert (await dead_letters.get(tenant_id, open_still)).is_open

    async def test_order_that_is_gone_or_cannot_be_read_has_no_flag_and_keeps_nobody_from_waiting(
        self, an_order: AnOrder
    ) -> None:
        order = await an_order()
        call = a_step(order, detail="price_order kept failing", subject="s")
        key = [order.tenant_id, order.order_id]
        document = await Container("orders").read(order.order_id, key)
        await Container("orders").replace({**document, "status": "nonsense"}, document["_etag"])

        assert await flag_order(call) == {"outcome": "gone"}
        assert await flag_order({**call, "order_id": "o-0"}) == {"outcome": "gone"}

    async def test_flag_stays_when_another_step_is_parked_while_a_letter_is_closed(
        self, an_order: AnOrder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        order = await an_order()
        letter_id = await parked(order, "capture_payment", subject="awaited", awaited=True)
        await flag_order(a_step(order, detail="capture_payment kept failing", subject="one"))
        find_all, others = dead_letters.find_all, ["record_movement"]

        async def find_and_lag(*args: Any, **chosen: Any) -> list[DeadLetter]:
            found = await find_all(*args, **chosen)
            if others:
                await parked(order, others.pop(), subject="awaited", awaited=True)
                await flag_order(a_step(order, detail="record_movement kept failing", subject="two"))
            return found

        monkeypatch.setattr(dead_letters, "find_all", find_and_lag)
        await settle_dead_letter(a_step(order, letter_id=letter_id, actor="admin-1", outcome="done"))

        assert await flagged(order)


class TestStepsThatNobodyWaitsFor:
    async def test_two_who_ask_at_once_start_one_run(self, admin: Admin, api: Api, an_order: AnOrder) -> None:
        order = await an_order()
        letter_id = await parked(order, "publish_outcome", payload={"status": "delivered"})

        answers = [await admin("POST", f"/v1/dead-letters/{letter_id}/replay") for _ in range(2)]

        assert [answer.status for answer in answers] == [202, 202]
        assert answers[0].body["id"] == answers[1].body["id"]
        assert answers[0].body["id"].startswith(f"replay:{order.tenant_id}:{order.order_id}:")
        [(_, _, told)] = api.hub.done
        assert (told["actor"], told["attempt"], told["payload"]["status"]) == ("admin-1", 2, "delivered")

    async def test_run_that_failed_may_be_followed_by_another(self, admin: Admin, api: Api, an_order: AnOrder) -> None:
        order = await an_order()
        letter_id = await parked(order, "publish_outcome", payload={"status": "delivered"})
        replay = f"/v1/dead-letters/{letter_id}/replay"
        first = await admin("POST", replay)
        failed = a_step(order, letter_id=letter_id, actor="admin-1", outcome="failed", detail="no queue")

        for _ in range(2):
            await settle_dead_letter(failed)
        second = await admin("POST", replay)

        assert first.body["id"] != second.body["id"]
        letter = await dead_letters.get(order.tenant_id, letter_id)
        assert (letter.status, letter.attempts, letter.reason) == ("open", 2, "no queue")
        assert [told["attempt"] for _, _, told in api.hub.done] == [2, 3]

    async def test_order_needs_no_attention_once_its_last_letter_is_closed(
        self, admin: Admin, an_order: AnOrder
    ) -> None:
        order = await an_order()
        await flag_order(a_step(order, detail="the refund was refused", subject="r-1"))
        refund, mail = await parked(order, "refund_payment"), await parked(order, "send_confirmation")

        await settle_dead_letter(a_step(order, letter_id=mail, actor="admin-1", outcome="done"))
        assert await flagged(order)
        done = a_step(order, letter_id=refund, actor="admin-2", outcome="done")
        for _ in range(2):
            assert await settle_dead_letter(done) == {"outcome": "settled", "status": "replayed"}

        assert not await flagged(order)
        assert await attended(order) == [("admin-2", "dead letter replayed")]
        late = await admin("POST", f"/v1/dead-letters/{refund}/replay")
        assert late.status == 409
        assert "was replayed by admin-2 at" in late.body["detail"]

    async def test_refund_that_was_refused_is_given_once_at_another_attempt(
        self, an_order: AnOrder, provider: Provider
    ) -> None:
        order = await an_order(("TEA", 2))
        payment = await held(order)
        key = f"return:{order.tenant_id}:{order.order_id}:r-1:refund_payment"
        asked = a_step(order, subject="r-1", amount_minor=1000, idempotency_key=key, payment=payment)
        assert (await refund_payment(asked))["outcome"] == "refused"  # nothing has been taken yet
        await taken(a_parcel(order, payment, 1, 3000))
        assert (await refund_payment(asked))["outcome"] == "refused"  # the provider repeats its answer

        again = [await refund_payment({**asked, "attempt": attempt}) for attempt in (2, 2, 3)]

        assert [each["outcome"] for each in again] == ["refunded"] * 3
        assert (await provider.ledger(order.order_id))["refunded"] == 1000

    async def test_letter_of_a_failed_order_says_that_there_is_nothing_to_do_again(
        self, admin: Admin, an_order: AnOrder
    ) -> None:
        order = await an_order()
        await record_transition(a_step(order, to="failed", needs_attention=True))
        letter_id = await parked(order, "fulfil_order")

        answer = await admin("POST", f"/v1/dead-letters/{letter_id}/replay")

        assert (answer.status, answer.body["type"]) == (409, "urn:waybill:problem:rejected")
        assert "place the order anew" in answer.body["detail"]
        assert (await admin("DELETE", f"/v1/dead-letters/{letter_id}")).status == 200
        assert not await flagged(order)


class TestDiscarding:
    async def test_discarded_letter_stays_on_record_with_who_and_why(self, admin: Admin, an_order: AnOrder) -> None:
        order = await an_order()
        letter_id = await parked(order, "send_confirmation")

        first = await admin("DELETE", f"/v1/dead-letters/{letter_id}?reason=called%20the%20customer")
        second = await admin("DELETE", f"/v1/dead-letters/{letter_id}")

        assert (first.status, first.body) == (second.status, second.body)
        assert (first.status, first.body["status"]) == (200, "discarded")
        [handling] = first.body["handled"]
        assert (handling["actor"], handling["detail"]) == ("admin-1", "called the customer")
        late = await admin("POST", f"/v1/dead-letters/{letter_id}/replay")
        assert late.status == 409
        assert "was discarded by admin-1" in late.body["detail"]

    async def test_replayed_letter_is_not_discarded(self, admin: Admin, an_order: AnOrder) -> None:
        order = await an_order()
        letter_id = await parked(order, "send_confirmation")
        await settle_dead_letter(a_step(order, letter_id=letter_id, actor="admin-1", outcome="done"))

        assert (await admin("DELETE", f"/v1/dead-letters/{letter_id}")).status == 409
