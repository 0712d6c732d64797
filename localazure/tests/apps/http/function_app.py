"""HTTP functions, one per behaviour of the host."""

import asyncio
import json
import threading
import time

import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.FUNCTION)
blueprint = func.Blueprint()


@app.route(route="echo")
def echo(req: func.HttpRequest) -> func.HttpResponse:
    """What arrived, as JSON."""
    seen = {
        "method": req.method,
        "url": req.url,
        "params": dict(req.params),
        "route_params": dict(req.route_params),
        "headers": dict(req.headers),
        "body": req.get_body().decode(),
    }
    return func.HttpResponse(json.dumps(seen), mimetype="application/json")


@app.route(route="orders/{id:int?}", methods=["GET", "POST"])
def orders(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(json.dumps(dict(req.route_params)))


@app.route(route="files/{*rest}", methods=["GET"])
def files(req: func.HttpRequest) -> str:
    return req.route_params["rest"]


@app.route()
def unrouted(req: func.HttpRequest) -> str:
    return "no route of its own"


@app.route(route="twice/{a}", methods=["GET"])
def Twice_b(req: func.HttpRequest) -> str:
    return "b"


@app.route(route="twice/{b}", methods=["GET"])
def twice_a(req: func.HttpRequest) -> str:
    return "a"


@app.route(route="cookies")
def cookies(req: func.HttpRequest) -> func.HttpResponse:
    response = func.HttpResponse(status_code=201, headers={"X-Custom": "yes"})
    response.headers.add("Set-Cookie", "a=1")
    response.headers.add("Set-Cookie", "b=2")
    return response


@app.route(route="empty")
def empty(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(status_code=204)


@app.route(route="returns/{what}")
def returns(req: func.HttpRequest):
    """Values that are no HTTP response, and text that describes one."""
    values = {
        "none": None,
        "dict": {"a": 1},
        "tuple": (1, 2),
        "text": '{"a":  1}',
        "described": json.dumps({"body": "made", "statusCode": 418, "headers": {"X-Pot": "tea"}}),
    }
    return values[req.route_params["what"]]


@app.route(route="fails")
def fails(req: func.HttpRequest) -> func.HttpResponse:
    raise ValueError("the reason stays in the log")


@app.route(route="slow")
async def slow(req: func.HttpRequest) -> func.HttpResponse:
    await asyncio.sleep(float(req.params.get("seconds", "60")))
    return func.HttpResponse("done")


@app.route(route="slow-threaded")
def slow_threaded(req: func.HttpRequest) -> func.HttpResponse:
    time.sleep(float(req.params["seconds"]))
    return func.HttpResponse("done")


@app.route(route="where")
async def where(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    return _place(context)


@app.route(route="where-threaded")
def where_threaded(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    return _place(context)


def _place(context: func.Context) -> func.HttpResponse:
    seen = {
        "is_main_thread": threading.current_thread() is threading.main_thread(),
        "invocation_id": context.invocation_id,
        "thread_invocation_id": getattr(context.thread_local_storage, "invocation_id", None),
        "function_name": context.function_name,
        "function_directory": context.function_directory,
        "trace_parent": context.trace_context.Traceparent,
        "retry_count": context.retry_context.retry_count,
    }
    return func.HttpResponse(json.dumps(seen))


@app.function_name("renamed")
@app.route(route="renamed", auth_level=func.AuthLevel.ADMIN)
def original_name(req: func.HttpRequest) -> str:
    return "admin only"


@app.route(route="open", auth_level=func.AuthLevel.ANONYMOUS)
def open_to_all(req: func.HttpRequest) -> str:
    return "open"


@app.route(route="switched-off")
def switched_off(req: func.HttpRequest) -> str:
    return "never"


@app.queue_trigger(arg_name="message", queue_name="%UNSET_QUEUE%", connection="AzureWebJobsStorage")
def unset(message: str) -> None:
    """Cannot be indexed."""


@blueprint.route(route="blue")
def from_blueprint(req: func.HttpRequest) -> str:
    return "blue"


app.register_functions(blueprint)
