"""Event Grid functions."""

import json
import logging

import azure.functions as func

app = func.FunctionApp()


@app.event_grid_trigger(arg_name="event")
def on_event(event: func.EventGridEvent) -> None:
    seen = {"id": event.id, "type": event.event_type, "data": event.get_json()}
    logging.info("record %s", json.dumps(seen))
    if event.subject == "bad":
        raise RuntimeError("this event cannot be handled")


@app.event_grid_trigger(arg_name="event")
def on_cloud_event(event: func.CloudEvent) -> None:
    logging.info("record %s", json.dumps({"id": event.id, "type": event.type, "source": event.source}))
