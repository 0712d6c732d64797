"""What a user has asked for and an order that was placed at the same moment may have missed.

Their orders are found through the view. Whoever calls `catch_up` has just written the order's row there: either the
workflow that looks for orders reads the row, or this reads the user as the workflow was told of them.
"""

from __future__ import annotations

from adapters import users
from adapters.durable import DurableClient, start_erasure, start_propagation
from domain.addresses import is_due
from domain.erasure import is_erased
from domain.orders import Order
from domain.users import UserStatus


async def catch_up(client: DurableClient, order: Order) -> None:
    """Start for this order what its customer is owed. Starting it again changes nothing. Raises Transient."""
    user = await users.find(order.tenant_id, order.customer_id)
    if user is None:
        return
    if user.status is UserStatus.ERASED and not is_erased(order):
        await start_erasure(client, user, order.order_id)
    elif is_due(order, user):
        await start_propagation(client, user, order.order_id)
