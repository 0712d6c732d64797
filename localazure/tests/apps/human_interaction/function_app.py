"""Human interaction: an expense waits for its approval, but not for ever."""

from datetime import timedelta

import azure.durable_functions as df
import azure.functions as func

app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@app.route(route="expenses", methods=["POST"])
@app.durable_client_input(client_name="client")
async def submit_expense(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    return client.create_check_status_response(req, await client.start_new("approve_expense", None, req.get_json()))


@app.orchestration_trigger(context_name="context")
def approve_expense(context: df.DurableOrchestrationContext):
    expense = context.get_input()
    yield context.call_activity("ask_for_approval", expense)
    context.set_custom_status({"waiting_for": "manager"})
    patience = timedelta(seconds=expense.get("patience_s", 72 * 3600))
    time_out = context.create_timer(context.current_utc_datetime + patience)
    decision = context.wait_for_external_event("Decision")
    winner = yield context.task_any([decision, time_out])
    if winner == time_out:
        context.set_custom_status({"waiting_for": "nobody"})
        return (yield context.call_activity("escalate", expense))
    time_out.cancel()
    context.set_custom_status({"waiting_for": "nobody"})
    return "approved" if decision.result["approved"] else "refused"


@app.activity_trigger(input_name="expense")
def ask_for_approval(expense: dict) -> str:
    return f"asked about {expense['title']}"


@app.activity_trigger(input_name="expense")
def escalate(expense: dict) -> str:
    return f"escalated {expense['title']}"
