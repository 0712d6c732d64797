"""The least that a function can do, for each trigger that is measured."""

import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@app.route(route="hello")
async def hello(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(f"Hello {req.params.get('name')}")


@app.queue_trigger(arg_name="message", queue_name="drained", connection="AzureWebJobsStorage")
async def drain(message: func.QueueMessage) -> None:
    message.get_body()
