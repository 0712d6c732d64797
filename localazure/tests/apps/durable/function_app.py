"""A small durable app: a chain with a fan-out, an event, a failure, an entity, and HTTP starters."""

import json
import logging

import azure.durable_functions as df
import azure.functions as func

app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)
blueprint = df.Blueprint()


@app.route(route="start/{name}", methods=["POST"])
@app.durable_client_input(client_name="client")
async def start(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    content = req.get_json() if req.get_body() else None
    instance_id = await client.start_new(req.route_params["name"], req.params.get("id"), content)
    return client.create_check_status_response(req, instance_id)


@app.route(route="status/{id}")
@app.durable_client_input(client_name="client")
async def status(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    found = await client.get_status(req.route_params["id"])
    return func.HttpResponse(json.dumps(found.to_json() if found else None))


@app.route(route="started-synchronously")
@app.durable_client_input(client_name="client")
def start_synchronously(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    return func.HttpResponse("the durable SDK awaits this")


@app.orchestration_trigger(context_name="ctx")
def greet_all(ctx: df.DurableOrchestrationContext):
    """Its parameter in the SDK's wrapper is called `context`; the binding is `ctx`."""
    names = ctx.get_input()
    greetings = yield ctx.task_all([ctx.call_activity("greet", name) for name in names])
    total = yield ctx.call_activity(count_letters, greetings)
    return {"greetings": greetings, "total": total}


@app.orchestration_trigger(context_name="context", orchestration="WaitForApproval")
def wait(context: df.DurableOrchestrationContext):
    return (yield context.wait_for_external_event("approval"))


@app.orchestration_trigger(context_name="context")
def fail_in_activity(context: df.DurableOrchestrationContext):
    yield context.call_activity("refuse", "x")


@app.orchestration_trigger(context_name="context")
def fail_itself(context: df.DurableOrchestrationContext):
    yield context.call_activity("greet", "you")
    raise ValueError("the orchestrator failed")


@app.orchestration_trigger(context_name="context")
def count_twice(context: df.DurableOrchestrationContext):
    counter = df.EntityId("counter", "one")
    yield context.call_entity(counter, "add", 2)
    return (yield context.call_entity(counter, "add", 3))


@app.entity_trigger(context_name="context")
def counter(context: df.DurableEntityContext) -> None:
    value = context.get_state(lambda: 0) + context.get_input()
    context.set_state(value)
    context.set_result(value)


@app.activity_trigger(input_name="name")
def greet(name: str) -> str:
    logging.info("record %s", json.dumps(name))
    return f"Hello {name}"


@blueprint.function_name("letters")
@blueprint.activity_trigger(input_name="greetings")
async def count_letters(greetings: list) -> int:
    return sum(map(len, greetings))


@app.activity_trigger(input_name="name")
def refuse(name: str) -> None:
    raise KeyError(f"no {name}")


app.register_functions(blueprint)
