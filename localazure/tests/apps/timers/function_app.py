"""Timer functions."""

import json
import logging
import os
import time
from datetime import UTC, datetime

import azure.functions as func

app = func.FunctionApp()


lengthy: list[int] = []


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


@app.timer_trigger(arg_name="timer", schedule="*/5 * * * * *")
def every_five_seconds(timer: func.TimerRequest) -> None:
    record(timer)


@app.timer_trigger(arg_name="timer", schedule="*/5 * * * *")
def every_five_minutes(timer: func.TimerRequest) -> None:
    record(timer)


@app.timer_trigger(arg_name="timer", schedule="* * * * * *")
def long_once(timer: func.TimerRequest) -> None:
    """The first run takes several intervals and ends between two occurrences."""
    is_first = not lengthy
    lengthy.append(1)
    record(timer, running=sum(lengthy))
    if is_first:
        time.sleep(3.5 - time.time() % 1)
    lengthy.append(-1)
    record(timer, running=sum(lengthy))


@app.timer_trigger(arg_name="timer", schedule="%SCHEDULE%", run_on_startup=True)
def at_start(timer: func.TimerRequest) -> None:
    record(timer)


@app.timer_trigger(arg_name="timer", schedule="%SCHEDULE%")
def monitored(timer: func.TimerRequest) -> None:
    record(timer)
    time.sleep(float(os.environ.get("SLOW_SECONDS", "0")))


@app.timer_trigger(arg_name="timer", schedule="0 0 0 1 1 *", run_on_startup=True)
@app.retry(strategy="fixed_delay", max_retry_count="3", delay_interval="00:00:00")
def retried(timer: func.TimerRequest, context: func.Context) -> None:
    retry = context.retry_context
    record(timer, retry_count=retry.retry_count, last=retry.exception and retry.exception.message)
    raise RuntimeError(f"attempt {retry.retry_count}")


@app.timer_trigger(arg_name="timer", schedule="not a schedule")
def unscheduled(timer: func.TimerRequest) -> None:
    record(timer)
