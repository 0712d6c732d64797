"""Waybill: order fulfilment on Azure Durable Functions. The host finds `app` here; each package lists its functions."""

from __future__ import annotations

import azure.durable_functions as df
import azure.functions as func

import activities
import orchestrators
import triggers
from adapters.settings import settings

settings()  # a missing or wrong setting stops the start, with all of them named

app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)  # the API asks for bearer tokens, not for function keys
app.register_functions(triggers.blueprint)
app.register_functions(orchestrators.blueprint)
app.register_functions(activities.blueprint)
