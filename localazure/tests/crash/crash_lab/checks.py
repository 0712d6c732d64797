"""What must be true of a story of crashes, next to a run of the same scenario that nothing disturbed."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

from localazure.durable.events import EventType
from localazure.durable.records import Instance
from localazure.durable.status import RuntimeStatus

from crash_lab.evidence import Evidence
from crash_lab.experiment import Story
from crash_lab.histories import answers, flaws, shape


def problems(story: Story, undisturbed: Story) -> list[str]:
    """Everything that is wrong; empty when the crashes made no difference."""
    found = list(story.problems)
    if story.end is None or undisturbed.end is None:
        return found or ["no life came to its end"]
    found += _left_over(story.end)
    found += _flawed_histories(story.end)
    found += _other_outcomes(story.end, undisturbed.end, same_history=story.scenario.same_history)
    found += _other_entities(story.end, undisturbed.end)
    for death in story.deaths:
        found += _lost_history(death, story.end)
        found += _lost_answers(death, story.end)
    found += _runs(story, undisturbed.end)
    return found


def _left_over(end: Evidence) -> Iterator[str]:
    for instance_id, instance in end.instances.items():
        if not instance.status.is_final:
            yield f"{instance_id} is {instance.status}, and nothing will move it"
    for table, rows in end.waiting.items():
        if rows:
            yield f"left over in {table}: {rows}"


def _flawed_histories(end: Evidence) -> Iterator[str]:
    for instance_id, history in end.history.items():
        is_final = end.instances[instance_id].status.is_final
        yield from (f"history of {instance_id}: {flaw}" for flaw in flaws(history, is_final=is_final))


def _other_outcomes(end: Evidence, undisturbed: Evidence, *, same_history: bool) -> Iterator[str]:
    """Generated ids differ between two runs; what the instances are and how they ended does not."""
    came = sorted(_outcome(each, end, same_history) for each in end.instances.values())
    expected = sorted(_outcome(each, undisturbed, same_history) for each in undisturbed.instances.values())
    if came != expected:
        yield f"ended as\n  {came}\ninstead of\n  {expected}"


def _outcome(instance: Instance, evidence: Evidence, same_history: bool) -> tuple[str, ...]:
    start = instance.start
    is_generated = ":" in start.instance_id or len(start.instance_id) == 32
    known = "generated" if is_generated else start.instance_id
    events = shape(evidence.history[start.instance_id]) if same_history else {}
    return (
        known,
        start.name,
        str(instance.status),
        str(instance.output),
        str(instance.custom_status),
        str(sorted(events.items())),
    )


def _other_entities(end: Evidence, undisturbed: Evidence) -> Iterator[str]:
    """Each operation was applied once, those of one sender in the order in which they were sent."""
    if _contents(end) != _contents(undisturbed):
        yield f"entities are {end.entities} instead of {undisturbed.entities}"
    for entity_id, state in end.entities.items():
        items: list[str] = json.loads(state)
        for sender in {item.partition("/")[0] for item in items}:
            sent = [item for item in items if item.partition("/")[0] == sender]
            if sent != sorted(sent):
                yield f"{entity_id} served {sender} in another order: {sent}"


def _contents(evidence: Evidence) -> dict[str, list[Any]]:
    return {entity_id: sorted(json.loads(state)) for entity_id, state in evidence.entities.items()}


def _same_execution(instance_id: str, death: Evidence, end: Evidence) -> bool:
    """Whether the history may only have grown: it was neither begun anew nor rewound."""
    if instance_id not in end.instances:
        return False
    before, after = death.instances[instance_id], end.instances[instance_id]
    rewound = [_is_rewound(each.history[instance_id]) for each in (death, end)]
    return before.start.execution_id == after.start.execution_id and rewound[0] == rewound[1]


def _is_rewound(history: list[dict[str, Any]]) -> bool:
    return any(event["EventType"] == EventType.GENERIC for event in history)


def _lost_history(death: Evidence, end: Evidence) -> Iterator[str]:
    """What was history once is history for ever, event by event and value by value."""
    for instance_id, history in death.history.items():
        if _same_execution(instance_id, death, end) and end.history[instance_id][: len(history)] != history:
            yield f"history of {instance_id} was\n  {history}\nand is now\n  {end.history[instance_id]}"


def _lost_answers(death: Evidence, end: Evidence) -> Iterator[str]:
    """An answer that waited for its orchestration is the one that it got: nothing was computed anew."""
    for instance_id, inbox in death.inbox.items():
        if not _same_execution(instance_id, death, end):
            continue
        if end.instances[instance_id].status == RuntimeStatus.TERMINATED:
            continue
        for message in inbox:
            if answers([message.event]) and message.event not in end.history[instance_id]:
                yield f"{instance_id} never got {message.event}"


def _runs(story: Story, undisturbed: Evidence) -> Iterator[str]:
    """Each activity ran at least once, and again only when it died between its effect and the commit of its answer."""
    assert story.end is not None
    expected = Counter(effect["step"] for effect in undisturbed.effects)
    came = Counter(effect["step"] for effect in story.end.effects)
    lost: Counter[str] = Counter()
    for life, death in enumerate(story.deaths):
        ran = {effect["step"] for effect in death.effects if effect["life"] == life}
        lost.update(step for row in death.waiting.get("activities", []) if (step := json.loads(row["input"])) in ran)
    for step in expected | came:
        if not expected[step] <= came[step] <= expected[step] + lost[step]:
            yield f"{step!r} ran {came[step]} times: {expected[step]} were due, {lost[step]} answers were lost"
