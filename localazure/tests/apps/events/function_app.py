"""Event Grid functions."""

import json
import logging
import os
import time
from datetime import UTC, datetime

import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
TOPIC = {"topic_endpoint_uri": "TOPIC_URL", "topic_key_setting": "TOPIC_KEY"}


@app.event_grid_trigger(arg_name="event")
def on_event(event: func.EventGridEvent) -> None:
    seen = {"id": event.id, "type": event.event_type, "data": event.get_json()}
    logging.info("record %s", json.dumps(seen))
    if event.subject == "bad":
        raise RuntimeError("this event cannot be handled")
    if event.subject == "slow":
        time.sleep(float(os.environ.get("SLOW_SECONDS", "0")))


@app.event_grid_trigger(arg_name="event")
def on_cloud_event(event: func.CloudEvent) -> None:
    seen = {"id": event.id, "type": event.type, "source": event.source, "data": event.get_json()}
    logging.info("record %s", json.dumps(seen | {"class": type(event).__name__}))


def _event(number: int) -> func.EventGridOutputEvent:
    return func.EventGridOutputEvent(
        id=str(number),
        data={"number": number},
        subject="parcels",
        event_type="Parcel.Shipped",
        event_time=datetime(2026, 1, 1, tzinfo=UTC),
        data_version="1",
    )


@app.route(route="publish/{what}", methods=["POST"])
@app.event_grid_output(arg_name="out", **TOPIC)
def publish(req: func.HttpRequest, out: func.Out[func.EventGridOutputEvent]) -> str:
    many = {"one": _event(1), "two": [_event(1), _event(2)], "text": json.dumps({"specversion": "1.0", "id": "c"})}
    out.set(many[req.route_params["what"]])
    return "published"
