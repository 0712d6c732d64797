"""One function per mistake that stops only itself, and some that work."""

import json

import azure.durable_functions as df
import azure.functions as func

app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)
plain = func.Blueprint()
durable = df.Blueprint()


@app.route()
def works(req: func.HttpRequest) -> str:
    return "works"


@app.function_name("WORKS")
@app.route(route="in-capitals")
def works_in_capitals(req: func.HttpRequest) -> str:
    return "never"


@app.route()
def has_unbound_parameter(req: func.HttpRequest, other: str) -> str:
    return other


@app.route()
@app.queue_output(arg_name="out", queue_name="orders", connection="AzureWebJobsStorage")
def lacks_parameter(req: func.HttpRequest) -> str:
    return "never"


@app.queue_trigger(arg_name="message", queue_name="%UNSET_QUEUE%", connection="AzureWebJobsStorage")
def lacks_setting(message: str) -> None:
    """Never runs."""


@app.queue_trigger(arg_name="message", queue_name="orders", connection="NO_SUCH_ACCOUNT")
def lacks_connection(message: str) -> None:
    """Never runs."""


@app.cosmos_db_trigger(arg_name="documents", connection="NO_SUCH_COSMOS", database_name="d", container_name="c")
def lacks_cosmos_connection(documents: func.DocumentList) -> None:
    """Never runs."""


@app.schedule(arg_name="timer", schedule="0 61 * * * *")
def has_bad_schedule(timer: func.TimerRequest) -> None:
    """Never runs."""


@app.cosmos_db_trigger(arg_name="documents", connection="BAD_COSMOS", database_name="d", container_name="c")
def has_bad_cosmos_connection(documents: func.DocumentList) -> None:
    """Never runs."""


@app.route(route="twice/{id}/{ID}")
def has_parameter_twice(req: func.HttpRequest) -> str:
    return "never"


@app.queue_trigger(arg_name="message", queue_name="bad_name", connection="AzureWebJobsStorage")
def has_bad_queue_name(message: str) -> None:
    """Never runs."""


@app.route(route="{id:nonsense}")
def has_bad_route(req: func.HttpRequest) -> str:
    return "never"


@app.route(route="admin/users")
def has_reserved_route(req: func.HttpRequest) -> str:
    return "never"


@app.blob_trigger(arg_name="file", path="files/{name", connection="AzureWebJobsStorage")
def has_bad_path(file: func.InputStream) -> None:
    """Never runs."""


@app.event_hub_message_trigger(arg_name="event", event_hub_name="hub", connection="AzureWebJobsStorage")
def has_unknown_trigger(event: str) -> None:
    """Never runs."""


@app.route()
@app.generic_input_binding(arg_name="row", type="table", table_name="rows")
def has_unknown_binding(req: func.HttpRequest, row: str) -> str:
    return row


@app.route()
def has_wrong_type(req: int) -> str:
    return "never"


@durable.activity_trigger(input_name="value")
def has_builtin_generic(value: dict[str, int]) -> str:
    return "never"


@plain.route()
def of_plain_blueprint(req: func.HttpRequest) -> str:
    return "plain"


@durable.activity_trigger(input_name="value")
def of_durable_blueprint(value: str) -> str:
    return json.dumps(value)


app.register_functions(plain)
app.register_functions(durable)
