"""The pure state machines: every legal step, no other, and sums that always add up."""

from __future__ import annotations

from collections.abc import Callable

import hypothesis.strategies as st
import pytest
from hypothesis import settings
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, multiple, rule

from sandbox.payments import intents, refunds
from sandbox.payments.errors import StripeError
from sandbox.payments.intent_models import Intent, Status
from sandbox.payments.intents import TRANSITIONS, Action
from sandbox.payments.ledger import movement
from sandbox.payments.refunds import GIVEN_BACK, Refund, RefundStatus

AMOUNT = 1000
CARDS = st.sampled_from(
    ["pm_card_visa", "pm_card_chargeDeclined", "pm_card_authenticationRequired", "pm_card_refundFail"]
)


def an_intent(status: Status) -> Intent:
    """An intent that came to its status by legal steps alone."""
    new = Intent(
        id="pi_1",
        created=0,
        amount=AMOUNT,
        currency="eur",
        status=Status.REQUIRES_CONFIRMATION,
        manual_capture=True,
        payment_method="pm_card_visa",
    )
    match status:
        case Status.REQUIRES_CONFIRMATION:
            return new
        case Status.REQUIRES_PAYMENT_METHOD:
            return intents.update(new, amount=AMOUNT, currency="eur", payment_method=None)
        case Status.REQUIRES_ACTION:
            card = "pm_card_authenticationRequired"
            waiting = intents.update(new, amount=AMOUNT, currency="eur", payment_method=card)
            return act(Action.CONFIRM, waiting)
        case Status.REQUIRES_CAPTURE:
            return act(Action.CONFIRM, new)
        case Status.SUCCEEDED:
            return act(Action.CAPTURE, act(Action.CONFIRM, new))
        case Status.CANCELED:
            return act(Action.CANCEL, new)


def act(action: Action, intent: Intent) -> Intent:
    match action:
        case Action.UPDATE:
            return intents.update(intent, amount=AMOUNT, currency="eur", payment_method="pm_card_visa")
        case Action.CONFIRM:
            return intents.confirm(intent, charge_id="ch_1", now=0, off_session=False)
        case Action.AUTHENTICATE:
            return intents.authenticate(intent, charge_id="ch_1", now=0, passed=True)
        case Action.CAPTURE:
            return intents.capture(intent, amount=None, final=True)
        case Action.CANCEL:
            return intents.cancel(intent, now=0, reason=None)
        case Action.EXPIRE:
            return intents.expire(intent, now=0)


@pytest.mark.parametrize("status", Status)
@pytest.mark.parametrize("action", Action)
def test_action_does_what_the_table_allows_and_nothing_else(action: Action, status: Status) -> None:
    intent = an_intent(status)
    assert intent.status is status
    if (action, status) == (Action.CONFIRM, Status.REQUIRES_PAYMENT_METHOD):
        intent = intents.update(intent, amount=AMOUNT, currency="eur", payment_method="pm_card_visa")
    if (action, status) in TRANSITIONS:
        assert act(action, intent).status in TRANSITIONS[action, status]
    else:
        with pytest.raises(StripeError) as refusal:
            act(action, intent)
        assert (refusal.value.code, refusal.value.intent) == ("payment_intent_unexpected_state", intent)


@pytest.mark.parametrize("before", RefundStatus)
@pytest.mark.parametrize("after", RefundStatus)
def test_refund_settles_as_the_table_allows(before: RefundStatus, after: RefundStatus) -> None:
    refund = Refund(
        id="re_1", created=0, amount=1, currency="eur", intent_id="pi_1", charge_id="ch_1", status=before
    )  # fmt: skip
    if after in refunds.TRANSITIONS[before]:
        assert refunds.settle(refund, after).status is after
    else:
        with pytest.raises(StripeError):
            refunds.settle(refund, after)


class PaymentMachine(RuleBasedStateMachine):
    """Whatever a merchant, a customer and a bank try, in any order: the sums hold."""

    given_back = Bundle("given_back")

    def __init__(self) -> None:
        super().__init__()
        self.intent = Intent(
            id="pi_1",
            created=0,
            amount=AMOUNT,
            currency="eur",
            status=Status.REQUIRES_PAYMENT_METHOD,
            manual_capture=True,
            multicapture=True,
        )
        self.refunds: dict[str, Refund] = {}
        self.now = 0

    def attempt(self, changed: Intent | StripeError) -> None:
        if isinstance(changed, Intent):
            self.intent = changed

    @rule(card=CARDS, amount=st.integers(min_value=1, max_value=AMOUNT))
    def update(self, card: str, amount: int) -> None:
        self.attempt(tried(lambda: intents.update(self.intent, amount=amount, currency="eur", payment_method=card)))

    @rule(off_session=st.booleans())
    def confirm(self, off_session: bool) -> None:
        self.now += 1
        name = f"ch_{self.now}"
        self.attempt(tried(lambda: intents.confirm(self.intent, charge_id=name, now=self.now, off_session=off_session)))

    @rule(passed=st.booleans())
    def authenticate(self, passed: bool) -> None:
        self.now += 1
        name = f"ch_{self.now}"
        self.attempt(tried(lambda: intents.authenticate(self.intent, charge_id=name, now=self.now, passed=passed)))

    @rule(amount=st.none() | st.integers(min_value=0, max_value=AMOUNT), final=st.booleans())
    def capture(self, amount: int | None, final: bool) -> None:
        self.attempt(tried(lambda: intents.capture(self.intent, amount=amount, final=final)))

    @rule(expires=st.booleans())
    def close(self, expires: bool) -> None:
        if expires:
            self.attempt(tried(lambda: intents.expire(self.intent, now=self.now)))
        else:
            self.attempt(tried(lambda: intents.cancel(self.intent, now=self.now, reason=None)))

    @rule(target=given_back, amount=st.none() | st.integers(min_value=1, max_value=AMOUNT))
    def refund(self, amount: int | None) -> object:
        try:
            checked = refunds.check_refundable(self.intent, amount)
        except StripeError:
            return multiple()
        name = f"re_{len(self.refunds)}"
        self.refunds[name] = refunds.new_refund(
            self.intent, refund_id=name, amount=checked, now=self.now, reason=None, metadata={}
        )
        self.intent = intents.refund(self.intent, checked)
        return name

    @rule(name=consumes(given_back))
    def fail_refund(self, name: str) -> None:
        self.refunds[name] = refunds.settle(self.refunds[name], RefundStatus.FAILED)
        self.intent = intents.refund(self.intent, -self.refunds[name].amount)

    @invariant()
    def sums_hold(self) -> None:
        moved = movement(self.intent)
        given_back = sum(refund.amount for refund in self.refunds.values() if refund.status in GIVEN_BACK)
        assert 0 <= moved.captured <= moved.authorised <= AMOUNT
        assert moved.authorised == moved.captured + moved.voided + self.intent.amount_capturable
        assert 0 <= moved.refunded == given_back <= moved.captured

    @invariant()
    def money_is_held_only_while_capture_is_awaited(self) -> None:
        assert (self.intent.amount_capturable > 0) == (self.intent.status is Status.REQUIRES_CAPTURE)

    @invariant()
    def only_one_attempt_is_ever_authorised(self) -> None:
        assert sum(charge.authorised for charge in self.intent.charges) <= 1


def tried(change: Callable[[], Intent]) -> Intent | StripeError:
    try:
        return change()
    except StripeError as refusal:
        return refusal


TestPaymentMachine = PaymentMachine.TestCase
TestPaymentMachine.settings = settings(max_examples=60, stateful_step_count=20, deadline=None)
