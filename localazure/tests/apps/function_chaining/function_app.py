"""Function chaining: a word goes through three activities, each with the result of the one before."""

import logging

import azure.durable_functions as df
import azure.functions as func

app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@app.route(route="orchestrators/{function_name}", methods=["GET", "POST"])
@app.durable_client_input(client_name="client")
async def http_start(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    instance_id = await client.start_new(req.route_params["function_name"], None, req.params.get("word"))
    logging.info("started orchestration %s", instance_id)
    return client.create_check_status_response(req, instance_id)


@app.orchestration_trigger(context_name="context")
def publish_word(context: df.DurableOrchestrationContext):
    word = context.get_input()
    upper = yield context.call_activity("to_upper", word)
    doubled = yield context.call_activity(repeat, upper)
    framed = yield context.call_activity("frame", doubled)
    return [upper, doubled, framed]


@app.activity_trigger(input_name="word")
def to_upper(word: str) -> str:
    return word.upper()


@app.function_name("say_twice")
@app.activity_trigger(input_name="word")
def repeat(word: str) -> str:
    return f"{word} {word}"


@app.activity_trigger(input_name="word")
def frame(word: str) -> str:
    return f"<{word}>"
