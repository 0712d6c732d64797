"""Hypothesis drives a hub: random interleavings of events, time, faults and crashes, against a small model."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule
from localazure.testing import Hub

DAY = timedelta(days=1)


def approve(context: Any) -> Any:
    deadline = context.create_timer(context.current_utc_datetime + DAY)
    approval = context.wait_for_external_event("approval")
    winner = yield context.task_any([approval, deadline])
    if winner is deadline:
        return "timed out"
    deadline.cancel()
    return (yield context.call_activity("charge", context.instance_id))


class Approvals(RuleBasedStateMachine):
    """Orders are charged when approved within a day, once each for all who look."""

    orders = Bundle("orders")

    def __init__(self) -> None:
        super().__init__()
        self.charged: set[str] = set()
        self.hub = Hub(orchestrators=[approve], activities={"charge": self.charge})
        self.deadlines: dict[str, Any] = {}
        self.expected: dict[str, str] = {}

    def charge(self, order: str) -> str:
        self.charged.add(order)
        return "charged"

    @rule(target=orders)
    def place(self) -> str:
        order = self.hub.start("approve")
        self.deadlines[order.id] = self.hub.now + DAY
        return order.id

    @rule(order=orders)
    def give_approval(self, order: str) -> None:
        if order not in self.expected:
            self.hub.raise_event(order, "approval")
            self.expected[order] = "charged"

    @rule(hours=st.integers(1, 30))
    def let_time_pass(self, hours: int) -> None:
        self.hub.advance(hours=hours)
        for order, deadline in self.deadlines.items():
            if deadline <= self.hub.now:
                self.expected.setdefault(order, "timed out")

    @rule()
    def crash(self) -> None:
        self.hub.crash()

    @rule(name=st.sampled_from(["charge", "approve"]), when=st.sampled_from(["before", "after", "before_commit"]))
    def crash_later(self, name: str, when: str) -> None:
        self.hub.on(name).crash(when)

    @rule()
    def deliver_twice(self) -> None:
        self.hub.on("charge").duplicate()

    @invariant()
    def each_order_is_where_the_model_has_it(self) -> None:
        for order in self.hub.instances():
            assert order.output == self.expected.get(order.id)
        assert self.charged == {order for order, end in self.expected.items() if end == "charged"}

    def teardown(self) -> None:
        self.hub.close()


TestApprovals = Approvals.TestCase
TestApprovals.settings = settings(
    max_examples=10, stateful_step_count=12, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
