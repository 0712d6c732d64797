"""Timer functions."""

import json
import logging
import time
from datetime import UTC, datetime

import azure.functions as func

app = func.FunctionApp()


def record(timer: func.TimerRequest, **more: object) -> None:
    seen = {"at": datetime.now(UTC).timestamp(), "past_due": timer.past_due, "status": timer.schedule_status}
    logging.info("record %s", json.dumps(seen | more))


@app.timer_trigger(arg_name="timer", schedule="* * * * * *")
def every_second(timer: func.TimerRequest) -> None:
    record(timer)
    raise RuntimeError("fails every time")


@app.timer_trigger(arg_name="timer", schedule="*/2 * * * * *")
def too_long(timer: func.TimerRequest) -> None:
    record(timer)
    time.sleep(2.3)


@app.timer_trigger(arg_name="timer", schedule="%SCHEDULE%", run_on_startup=True)
def at_start(timer: func.TimerRequest) -> None:
    record(timer)


@app.timer_trigger(arg_name="timer", schedule="%SCHEDULE%")
def monitored(timer: func.TimerRequest) -> None:
    record(timer)


@app.timer_trigger(arg_name="timer", schedule="0 0 0 1 1 *", run_on_startup=True)
@app.retry(strategy="fixed_delay", max_retry_count="3", delay_interval="00:00:00")
def retried(timer: func.TimerRequest, context: func.Context) -> None:
    retry = context.retry_context
    record(timer, retry_count=retry.retry_count, last=retry.exception and retry.exception.message)
    raise RuntimeError(f"attempt {retry.retry_count}")


@app.timer_trigger(arg_name="timer", schedule="not a schedule")
def unscheduled(timer: func.TimerRequest) -> None:
    record(timer)
