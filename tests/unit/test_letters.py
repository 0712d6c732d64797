"""What customers read."""

from __future__ import annotations

from collections.abc import Callable

from domain.letters import confirmation
from domain.orders import Line, LineStatus, Order


def test_confirmation_names_what_is_sent_and_nothing_that_fell_away(an_order: Callable[..., Order]) -> None:
    sent = Line(sku="TEA", quantity=2, unit_amount_minor=1250, status=LineStatus.RESERVED)
    fallen_away = Line(sku="MUG", quantity=1, unit_amount_minor=1800, status=LineStatus.CANCELLED)

    letter = confirmation(an_order(total_minor=2500).model_copy(update={"lines": (sent, fallen_away)}))

    assert "2 x TEA  25.00 EUR" in letter.text
    assert "MUG" not in letter.text
