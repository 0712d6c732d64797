"""Playing the cardholder's bank, which wants a payment back. At Stripe only the events about it are known."""

from __future__ import annotations

from sandbox.payments.desk import Call, Desk, Reply
from sandbox.payments.errors import refused
from sandbox.payments.objects import dispute_object

_STATUSES = ("needs_response", "won", "lost")


def dispute_payment_intent(desk: Desk, call: Call) -> Reply:
    """Open a dispute over all that was captured, or with `status` won or lost close it. Nothing of it is kept."""
    call.parameters.allow_only(("status",))
    status = call.parameters.choice("status", _STATUSES) or _STATUSES[0]
    intent = desk.intent(call.object_id)
    charge = intent.charge
    if charge is None or not charge.captured:
        raise refused("Nothing was captured that could be disputed.", intent=intent)
    dispute = dispute_object(intent, charge, status, desk.now())
    desk.announce([(f"charge.dispute.{'created' if status == _STATUSES[0] else 'closed'}", dispute)], call)
    return 200, dispute
