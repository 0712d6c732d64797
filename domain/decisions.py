"""What people decide about an order under way: the bodies of the requests by which they do."""

from __future__ import annotations

from typing import Literal

from domain.shapes import Request, Text


class CancelOrder(Request):
    """Body of `POST /v1/orders/{orderId}/cancel`."""

    note: Text | None = None


class DecideApproval(Request):
    """Body of `POST /v1/orders/{orderId}/approval`."""

    approved: bool
    note: Text | None = None


class ReportShipment(Request):
    """Body of `POST /v1/orders/{orderId}/shipments/{shipmentId}/events`."""

    status: Literal["shipped", "delivered", "lost"]


class ReportReturn(Request):
    """Body of `POST /v1/returns/{returnId}/events`."""

    status: Literal["received", "refused"]
    note: Text | None = None
