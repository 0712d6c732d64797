"""A counter as an entity, with an orchestrator that moves points from one counter to another."""

import azure.durable_functions as df
import azure.functions as func

app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@app.route(route="counters/{key}", methods=["POST"])
@app.durable_client_input(client_name="client")
async def add_to_counter(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    entity = df.EntityId("Counter", req.route_params["key"])
    await client.signal_entity(entity, "add", int(req.params["amount"]))
    return func.HttpResponse(status_code=202)


@app.entity_trigger(context_name="context", entity_name="Counter")
def counter(context: df.DurableEntityContext) -> None:
    value = context.get_state(lambda: 0)
    match context.operation_name:
        case "add":
            value += context.get_input()
        case "take":
            if context.get_input() > value:
                raise ValueError(f"only {value} left")
            value -= context.get_input()
        case "reset":
            value = 0
        case "delete":
            context.destruct_on_exit()
            return
    context.set_state(value)
    context.set_result(value)


@app.orchestration_trigger(context_name="context")
def move_points(context: df.DurableOrchestrationContext):
    order = context.get_input()
    source, target = df.EntityId("counter", order["from"]), df.EntityId("counter", order["to"])
    try:
        left = yield context.call_entity(source, "take", order["points"])
    except Exception as refused:  # noqa: BLE001  # the SDK raises nothing narrower
        return {"moved": 0, "reason": str(refused)}
    context.signal_entity(target, "add", order["points"])
    return {"moved": order["points"], "left": left}
