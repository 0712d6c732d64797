"""Blob functions. The prefix of all container names is a setting, so that tests do not meet each other's blobs."""

import json
import logging
import os
import time

import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
CONNECTION = "AzureWebJobsStorage"


def record(value: object) -> None:
    logging.info("record %s", json.dumps(value))


@app.blob_trigger(arg_name="file", path="%PREFIX%-all", connection=CONNECTION)
def on_any(file: func.InputStream) -> None:
    seen = {"name": file.name, "length": file.length, "text": file.read().decode(), "metadata": file.metadata}
    record(seen | {"has_uri": bool(file.uri), "type": file.blob_properties["ContentType"]})


@app.blob_trigger(arg_name="text", path="%PREFIX%-samples/{name}.txt", connection=CONNECTION)
@app.blob_output(arg_name="copy", path="%PREFIX%-copies/{name}.copy", connection=CONNECTION)
def copy_text(text: str, copy: func.Out[str]) -> None:
    record(text)
    copy.set(text.upper())


@app.blob_trigger(arg_name="content", path="%PREFIX%-copies/{name}.{ext}", connection=CONNECTION)
@app.blob_input(arg_name="original", path="%PREFIX%-samples/{name}.txt", connection=CONNECTION)
def on_copy(content: bytes, original: func.InputStream) -> None:
    record([content.decode(), original and original.read().decode()])


@app.blob_trigger(arg_name="file", path="%PREFIX%-broken/{name}", connection=CONNECTION)
def always_fails(file: func.InputStream) -> None:
    record(file.name)
    raise RuntimeError("this blob cannot be read")


@app.blob_trigger(arg_name="file", path="%PREFIX%-slow/{name}", connection=CONNECTION)
def stays(file: func.InputStream) -> None:
    record(file.name)
    time.sleep(float(os.environ.get("SLOW_SECONDS", "0")))


@app.blob_trigger(arg_name="file", path="%PREFIX%-events/{name}", connection=CONNECTION, source="EventGrid")
def on_event(file: func.InputStream) -> None:
    text = file.read().decode()
    record(text)
    if text == "fail":
        raise RuntimeError("this event cannot be handled")


@app.route(route="save/{name}", methods=["POST"], binding_arg_name="answer")
@app.blob_output(arg_name="$return", path="%PREFIX%-made/{name}", connection=CONNECTION)
def save(req: func.HttpRequest, answer: func.Out[func.HttpResponse]) -> bytes:
    answer.set(func.HttpResponse("saved", status_code=201))
    return req.get_body()


@app.route(route="stamped", methods=["POST"])
@app.blob_output(arg_name="out", path="%PREFIX%-made/{rand-guid}/{DateTime:yyyy-MM-dd}.txt", connection=CONNECTION)
def stamped(req: func.HttpRequest, out: func.Out[bytes]) -> str:
    out.set(req.get_body())
    return "saved"


@app.route(route="load/{name}", methods=["GET"])
@app.blob_input(arg_name="text", path="%PREFIX%-made/{name}", connection=CONNECTION)
def load(req: func.HttpRequest, text: str) -> str:
    return json.dumps(text)
