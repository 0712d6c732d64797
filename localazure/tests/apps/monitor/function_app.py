"""Monitor: looks at a probe at intervals until it is fine or the time is over; then a watchdog starts itself anew."""

from datetime import timedelta

import azure.durable_functions as df
import azure.functions as func

app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@app.route(route="monitors", methods=["POST"])
@app.durable_client_input(client_name="client")
async def start_monitor(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    return client.create_check_status_response(req, await client.start_new("monitor", None, req.get_json()))


@app.orchestration_trigger(context_name="context")
def monitor(context: df.DurableOrchestrationContext):
    """In: {"fine_at": the look that finds all well, "interval_s": float, "expires_s": float}."""
    job = context.get_input()
    expires_at = context.current_utc_datetime + timedelta(seconds=job["expires_s"])
    looks = 0
    while context.current_utc_datetime < expires_at:
        looks += 1
        context.set_custom_status(f"look {looks}")
        if (yield context.call_activity("look", {"look": looks, "fine_at": job["fine_at"]})) == "fine":
            return {"outcome": "fine", "looks": looks}
        yield context.create_timer(context.current_utc_datetime + timedelta(seconds=job["interval_s"]))
    return {"outcome": "expired", "looks": looks}


@app.orchestration_trigger(context_name="context")
def watchdog(context: df.DurableOrchestrationContext):
    """In: {"rounds": how often to look}. Each round is an execution of its own, so that the history stays short."""
    rounds = context.get_input()["rounds"]
    yield context.call_activity("look", {"look": rounds, "fine_at": 0})
    if rounds > 1:
        context.continue_as_new({"rounds": rounds - 1})
        return None
    return "tired"


@app.activity_trigger(input_name="probe")
def look(probe: dict) -> str:
    return "fine" if probe["look"] == probe["fine_at"] else "not yet"
