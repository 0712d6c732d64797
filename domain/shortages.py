"""What a customer decides when there is not enough of what they ordered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from domain.errors import FieldError, Invalid, Rejected
from domain.orders import Line
from domain.placement import RequestedLine
from domain.shapes import Request, Text


class Decision(StrEnum):
    """Take what there is, take less, or take nothing."""

    ACCEPT = "accept"
    AMEND = "amend"
    CANCEL = "cancel"


class AnswerShortage(Request):
    """Body of `POST /v1/orders/{orderId}/shortage`. `lines` go with `amend`: the pieces of each SKU to keep."""

    decision: Decision
    lines: Annotated[list[RequestedLine] | None, Field(max_length=100)] = None
    note: Text | None = None

    def kept(self, held: Mapping[str, int]) -> dict[str, int]:
        """The pieces of each SKU to keep, of those that are held. Raises Rejected when more are wanted, Invalid."""
        if self.decision is not Decision.AMEND:
            if self.lines is not None:
                error = FieldError("/lines", "goes with the decision amend alone")
                raise Invalid(f"the decision {self.decision} leaves no lines to choose", (error,))
            return dict(held)
        if not self.lines:
            error = FieldError("/lines", "must name the pieces to keep; to keep none, cancel the order")
            raise Invalid("the decision amend needs lines", (error,))
        wanted = Counter[str]()
        for line in self.lines:
            wanted[line.sku] += line.quantity
        for sku, pieces in wanted.items():
            if pieces > held.get(sku, 0):
                raise Rejected(f"{sku}: {pieces} are wanted, {held.get(sku, 0)} are held")
        return dict(wanted)


def pieces_per_line(lines: Iterable[Line], kept: Mapping[str, int]) -> tuple[int, ...]:
    """How many pieces each line keeps, when so many of each SKU are kept: earlier lines get theirs first."""
    left = dict(kept)
    quantities = []
    for line in lines:
        taken = min(line.quantity, left.get(line.sku, 0))
        left[line.sku] = left.get(line.sku, 0) - taken
        quantities.append(taken)
    return tuple(quantities)
