"""The HTTP API: every route, who may call it, and the function that answers it."""

from __future__ import annotations

from typing import NamedTuple

from domain.callers import Role
from triggers.http.add_user import add_user
from triggers.http.adjust_stock import adjust_stock
from triggers.http.answer_shortage import answer_shortage
from triggers.http.cancel_order import cancel_order
from triggers.http.change_user import change_user
from triggers.http.decide_approval import decide_approval
from triggers.http.delete_user import delete_user
from triggers.http.discard_dead_letter import discard_dead_letter
from triggers.http.get_dead_letter import get_dead_letter
from triggers.http.get_order import get_order
from triggers.http.get_order_timeline import get_order_timeline
from triggers.http.get_product import get_product
from triggers.http.get_settings import get_settings
from triggers.http.get_user import get_user
from triggers.http.get_workflow import get_workflow
from triggers.http.health_live import health_live
from triggers.http.health_ready import health_ready
from triggers.http.list_dead_letters import list_dead_letters
from triggers.http.list_orders import list_orders
from triggers.http.list_users import list_users
from triggers.http.place_order import place_order
from triggers.http.purge_workflow import purge_workflow
from triggers.http.put_product import put_product
from triggers.http.put_settings import put_settings
from triggers.http.raise_workflow_event import raise_workflow_event
from triggers.http.replay_dead_letter import replay_dead_letter
from triggers.http.report_return import report_return
from triggers.http.report_shipment import report_shipment
from triggers.http.request_return import request_return
from triggers.http.resume_workflow import resume_workflow
from triggers.http.rewind_workflow import rewind_workflow
from triggers.http.suspend_workflow import suspend_workflow
from triggers.http.take_payment_event import take_payment_event
from triggers.http.terminate_workflow import terminate_workflow
from triggers.http.verify_user import verify_user
from triggers.web.endpoint import ANYONE, Handler, Roles

ADMIN: Roles = frozenset({Role.ADMIN})
OPERATOR: Roles = frozenset({Role.OPERATOR})
CUSTOMER: Roles = frozenset({Role.CUSTOMER, Role.OPERATOR})


class Route(NamedTuple):
    """One line of the API. Who it is for: holders of one of these roles; the handler looks at ownership."""

    method: str
    path: str
    roles: Roles
    handler: Handler


APPROVER: Roles = frozenset({Role.APPROVER})
CARRIER: Roles = frozenset({Role.CARRIER, Role.OPERATOR})
ANY_ROLE: Roles = frozenset(Role)

_ORDER = "v1/orders/{orderId}"
_USER = "v1/users/{userId}"
_LETTER = "v1/dead-letters/{letterId}"
_WORKFLOW = "v1/workflows/{instanceId}"

ROUTES = (
    Route("POST", "v1/orders", CUSTOMER, place_order),
    Route("GET", "v1/orders", CUSTOMER, list_orders),
    Route("GET", _ORDER, CUSTOMER, get_order),
    Route("GET", f"{_ORDER}/timeline", CUSTOMER, get_order_timeline),
    Route("POST", f"{_ORDER}/cancel", CUSTOMER, cancel_order),
    Route("POST", f"{_ORDER}/shortage", CUSTOMER, answer_shortage),
    Route("POST", f"{_ORDER}/approval", APPROVER, decide_approval),
    Route("POST", f"{_ORDER}/shipments/{{shipmentId}}/events", CARRIER, report_shipment),
    Route("POST", f"{_ORDER}/returns", CUSTOMER, request_return),
    Route("POST", "v1/returns/{returnId}/events", OPERATOR, report_return),
    Route("POST", "v1/users", OPERATOR, add_user),
    Route("GET", "v1/users", OPERATOR, list_users),
    Route("GET", _USER, ANY_ROLE, get_user),
    Route("PATCH", _USER, ANY_ROLE, change_user),
    Route("DELETE", _USER, ANY_ROLE, delete_user),
    Route("POST", f"{_USER}/verification", ANYONE, verify_user),
    Route("PUT", "v1/products/{sku}", OPERATOR, put_product),
    Route("GET", "v1/products/{sku}", CUSTOMER, get_product),
    Route("POST", "v1/products/{sku}/stock", OPERATOR, adjust_stock),
    Route("GET", "v1/dead-letters", ADMIN, list_dead_letters),
    Route("GET", _LETTER, ADMIN, get_dead_letter),
    Route("POST", f"{_LETTER}/replay", ADMIN, replay_dead_letter),
    Route("DELETE", _LETTER, ADMIN, discard_dead_letter),
    Route("GET", "v1/settings", OPERATOR, get_settings),
    Route("PUT", "v1/settings", ADMIN, put_settings),
    Route("GET", _WORKFLOW, ANY_ROLE, get_workflow),
    Route("POST", f"{_WORKFLOW}/raiseEvent/{{eventName}}", OPERATOR, raise_workflow_event),
    Route("POST", f"{_WORKFLOW}/terminate", OPERATOR, terminate_workflow),
    Route("POST", f"{_WORKFLOW}/suspend", OPERATOR, suspend_workflow),
    Route("POST", f"{_WORKFLOW}/resume", OPERATOR, resume_workflow),
    Route("POST", f"{_WORKFLOW}/rewind", OPERATOR, rewind_workflow),
    Route("DELETE", _WORKFLOW, ADMIN, purge_workflow),
    Route("POST", "payments/webhook", ANYONE, take_payment_event),
    Route("GET", "health/live", ANYONE, health_live),
    Route("GET", "health/ready", ANYONE, health_ready),
)
