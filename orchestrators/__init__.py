"""Orchestrators: sagas that only decide, and the entities they ask. Here they are registered under their own names."""

from __future__ import annotations

import azure.durable_functions as df

from orchestrators.circuit_breaker import circuit_breaker
from orchestrators.erase_user import erase_user
from orchestrators.fulfil_order import fulfil_order
from orchestrators.propagate_address import propagate_address
from orchestrators.register_user import register_user
from orchestrators.replay_step import replay_step
from orchestrators.return_order import return_order
from orchestrators.ship_parcel import ship_parcel

ORCHESTRATORS = (fulfil_order, ship_parcel, return_order, register_user, propagate_address, erase_user, replay_step)
ENTITIES = (circuit_breaker,)

blueprint = df.Blueprint()

for orchestrator in ORCHESTRATORS:
    blueprint.orchestration_trigger(context_name="context")(orchestrator)
for entity in ENTITIES:
    blueprint.entity_trigger(context_name="context")(entity)
