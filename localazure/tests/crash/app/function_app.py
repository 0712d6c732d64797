"""An app that is killed: instances are started by HTTP, by a queue and by a schedule, and each leaves its mark once."""

import azure.durable_functions as df
import azure.functions as func

app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)
MARKS = df.EntityId("marks", "all")


async def start_once(client: df.DurableOrchestrationClient, instance_id: str) -> None:
    """Whoever does not know whether an instance was started asks, and starts it if it was not."""
    if not await client.get_status(instance_id):
        await client.start_new("journey", instance_id)


@app.route(route="journeys/{id}", methods=["PUT"])
@app.durable_client_input(client_name="client")
async def start_by_http(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    await start_once(client, req.route_params["id"])
    return func.HttpResponse(status_code=202)


@app.queue_trigger(arg_name="message", queue_name="journeys", connection="AzureWebJobsStorage")
@app.durable_client_input(client_name="client")
async def start_by_queue(message: func.QueueMessage, client: df.DurableOrchestrationClient) -> None:
    await start_once(client, message.get_body().decode())


@app.timer_trigger(arg_name="timer", schedule="*/2 * * * * *")
@app.durable_client_input(client_name="client")
async def start_by_schedule(timer: func.TimerRequest, client: df.DurableOrchestrationClient) -> None:
    await client.start_new("journey")


@app.orchestration_trigger(context_name="context")
def journey(context: df.DurableOrchestrationContext):
    """Two steps, a nap, a fan-out and a child; at the end one mark in the list of all."""
    done = [(yield context.call_activity("step", 0)), (yield context.call_activity("step", 1))]
    yield context.create_timer(context.current_utc_datetime)
    done += yield context.task_all([context.call_activity("step", number) for number in (2, 3, 4)])
    done += yield context.call_sub_orchestrator("detour")
    yield context.call_entity(MARKS, "leave", context.instance_id)
    return done


@app.orchestration_trigger(context_name="context")
def detour(context: df.DurableOrchestrationContext):
    return [(yield context.call_activity("step", 5))]


@app.activity_trigger(input_name="number")
def step(number: int) -> int:
    return number


@app.entity_trigger(context_name="context")
def marks(context: df.DurableEntityContext) -> None:
    """The instances that came to their end, in the order in which they did; an operation applied twice would show."""
    context.set_state([*context.get_state(list), context.get_input()])
