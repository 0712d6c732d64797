"""What is found, and the rules by which it is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Rule:
    """`reason` says why it breaks replay, `instead` what to write; a finding may say either more exactly."""

    id: str
    reason: str
    instead: str


RULES = {
    rule.id: rule
    for rule in (
        Rule("clock", "a replay gets another time", "context.current_utc_datetime"),
        Rule("random", "a replay gets another value", "context.new_uuid(), or draw it in an activity"),
        Rule("environment", "a replay may run in another one", "read it in an activity, or pass it in the input"),
        Rule("io", "a replay does it again, perhaps otherwise", "do it in an activity; context.call_http for HTTP"),
        Rule("sleep", "it blocks the host, and every replay waits again", "yield context.create_timer(...)"),
        Rule("threads", "what runs beside it is in no history", "yield context.task_all([...]) of activities"),
        Rule("async", "the SDK drives a generator and awaits nothing", "def, with yield for every task"),
        Rule("not-a-generator", "a function without yield ends before its tasks do", "yield the task"),
        Rule("unyielded-task", "nobody waits for its outcome", "yield it, alone or in task_all/task_any"),
        Rule("uncancelled-timer", "the instance stays Running until it fires", "timer.cancel() when it has lost"),
        Rule("set-order", "the order of a set differs from process to process", "iterate over sorted(...)"),
        Rule("logging", "every replay logs it again", "if not context.is_replaying: ..."),
        Rule("global-state", "replays and other instances share it", "keep it in local variables, or in an entity"),
        Rule("bare-except", "it also catches what closes the generator", "except Exception"),
        Rule("payload", "the history holds JSON alone", "pass plain JSON: texts, numbers, lists, dicts"),
        Rule("unresolved", "so nobody checks it", "register a function by its name"),
        Rule("allow", "an exception must say what it is for", "# localazure: allow RULE: REASON"),
    )
}  # fmt: skip


@dataclass(frozen=True, order=True)
class Finding:
    """`file` is relative to the app; `chain` leads from the orchestrator to the function that holds the line."""

    file: str
    line: int
    column: int
    rule: str
    text: str
    instead: str
    chain: tuple[str, ...] = ()
    last_line: int = 0
