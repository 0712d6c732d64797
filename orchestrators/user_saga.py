"""The steps of a workflow that is about a user instead of an order."""

from __future__ import annotations

import azure.durable_functions as df

from orchestrators.saga import Saga, Steps


class UserSaga(Saga):
    """Every payload says which user, and which instance runs the step."""

    ABOUT = ("tenant_id", "user_id", "correlation_id")

    def __init__(self, context: df.DurableOrchestrationContext) -> None:
        super().__init__(context)
        self.order["instance_id"] = context.instance_id

    def call_a_person(self, *_: str) -> Steps[None]:
        """There is no order to flag: the dead letter calls."""
        yield from ()
