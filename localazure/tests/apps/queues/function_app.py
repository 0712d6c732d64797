"""Queue functions. The prefix of all queue names is a setting, so that tests do not meet each other's messages."""

import json
import logging
import time
from typing import List  # noqa: UP035  # the SDK does not take list[str] here

import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
CONNECTION = "AzureWebJobsStorage"
running: list[str] = []


def record(value: object) -> None:
    logging.info("record %s", json.dumps(value))


@app.queue_trigger(arg_name="message", queue_name="%PREFIX%-orders", connection=CONNECTION)
def take_order(message: func.QueueMessage) -> None:
    body = message.get_body().decode()
    seen = {"id": message.id, "body": body, "dequeue_count": message.dequeue_count, "at": time.time()}
    inserted, expires = message.insertion_time, message.expiration_time
    times = {"inserted": inserted and inserted.isoformat(), "expires": expires and expires.isoformat()}
    record(seen | times | {"has_receipt": bool(message.pop_receipt)})
    if body.startswith("fail"):
        raise RuntimeError("this message never works")


@app.queue_trigger(arg_name="message", queue_name="%PREFIX%-text", connection=CONNECTION)
def take_text(message: str) -> None:
    record({"type": type(message).__name__, "value": message})


@app.queue_trigger(arg_name="message", queue_name="%PREFIX%-bytes", connection=CONNECTION)
def take_bytes(message: bytes) -> None:
    record({"type": type(message).__name__, "value": message.decode()})


@app.queue_trigger(arg_name="message", queue_name="%PREFIX%-object", connection=CONNECTION)
def take_object(message: func.QueueMessage) -> None:
    record({"type": type(message).__name__, "value": message.get_body().decode()})


@app.queue_trigger(arg_name="message", queue_name="%PREFIX%-slow", connection=CONNECTION)
def take_slowly(message: str) -> None:
    running.append(message)
    record({"message": message, "at_once": len(running)})
    time.sleep(0.15)
    running.remove(message)


@app.queue_trigger(arg_name="message", queue_name="%PREFIX%-stuck", connection=CONNECTION)
def take_and_stay(message: func.QueueMessage) -> None:
    record([message.id, message.pop_receipt, message.dequeue_count])
    if message.dequeue_count == 1:
        time.sleep(60)


@app.route(route="send/{queue}", methods=["POST"])
@app.queue_output(arg_name="out", queue_name="%PREFIX%-{queue}", connection=CONNECTION)
def send(req: func.HttpRequest, out: func.Out[str]) -> str:
    """Puts the body into a queue; nothing for an empty one, and nothing when it then fails."""
    if body := req.get_body().decode():
        out.set(body)
    if "fail" in req.params:
        raise RuntimeError("after setting the output")
    return "sent"


@app.route(route="send-many", methods=["POST"])
@app.queue_output(arg_name="out", queue_name="%PREFIX%-many", connection=CONNECTION)
def send_many(req: func.HttpRequest, out: func.Out[List[str]]) -> str:  # noqa: UP006  # as above
    out.set(req.get_json())
    return "sent"


@app.queue_trigger(arg_name="message", queue_name="%PREFIX%-answering", connection=CONNECTION)
def answers(message: str) -> str:
    return "nobody asked"
