"""Orchestrators: sagas that only decide. This list registers them under their own names."""

from __future__ import annotations

import azure.durable_functions as df

from orchestrators.fulfil_order import fulfil_order

ORCHESTRATORS = (fulfil_order,)

blueprint = df.Blueprint()

for orchestrator in ORCHESTRATORS:
    blueprint.orchestration_trigger(context_name="context")(orchestrator)
