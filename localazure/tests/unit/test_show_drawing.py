"""What `localazure show` draws: columns, bars, widths, colours."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import click
import pytest
from localazure.durable.records import Instance, Start
from localazure.durable.status import RuntimeStatus
from localazure.insight.drawing import draw
from localazure.insight.spans import span, until
from localazure.insight.timeline import Kind, Row, State, Timeline

T0 = datetime(2026, 3, 1, 23, 59, 58, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


def an_order(
    *rows: Row, status: RuntimeStatus = RuntimeStatus.COMPLETED, output: str | None = '{"ok": true}'
) -> Timeline:
    """A timeline of ten seconds that begins two seconds before midnight."""
    start = Start("order-1", "e", "fulfil", None, None)
    instance = Instance(start, status, '{"stage": "last"}', output, T0, at(10), 4)
    started = Row(Kind.STARTED, "fulfil", T0, T0, State.DONE, '{"id": 1}')
    return Timeline(instance, [started, *rows], inbox=0)


CHARGE = Row(Kind.ACTIVITY, "charge", at(1), at(6), State.DONE, '{"charged": true}')
END = Row(Kind.ENDED, "completed", at(10), at(10), State.DONE, '{"ok": true}')


def plain(timeline: Timeline, width: int) -> list[str]:
    return click.unstyle(draw(timeline, {}, at(20), width)).splitlines()


def test_wide_terminal_gets_bars_on_one_scale() -> None:
    assert plain(an_order(CHARGE, END), 110) == [
        "fulfil  order-1",
        "Completed in 10.0 s · 2026-03-01 23:59:58.000 → 2026-03-02 00:00:08.000 UTC · 4 episodes",
        "",
        '23:59:58.000       +0 ms  ▶ started    ·                        {"id": 1}',
        '23:59:59.000     +1.00 s  ● charge      ━━━━━━━         5.00 s  {"charged": true}',
        "── 2026-03-02 ──",
        '00:00:08.000     +10.0 s  ■ completed             ·             {"ok": true}',
        "",
        'Custom status  {"stage": "last"}',
        'Output  {"ok": true}',
    ]


def test_narrow_terminal_gets_no_bars_and_no_line_that_wraps() -> None:
    lines = plain(an_order(Row(Kind.ACTIVITY, "a" * 60, at(1), at(2), State.DONE, "x" * 200), END), 80)

    assert "━" not in "".join(lines)
    assert max(map(len, lines[3:-3])) <= 80
    assert any(line.endswith("…") for line in lines)


@pytest.mark.parametrize("width", [20, 40, 60, 89, 90, 120, 300])
def test_every_width_can_be_drawn(width: int) -> None:
    assert any("charge" in line for line in plain(an_order(CHARGE, END), width))


def test_failed_attempt_tells_why_and_when_the_next_one_comes() -> None:
    reason = "Activity function 'charge' failed: TimeoutError: no answer\nTraceback ..."
    failed = Row(Kind.ACTIVITY, "charge", at(1), at(2), State.FAILED, reason, 1, 5, due=at(4))

    (line,) = [line for line in plain(an_order(failed, END), 140) if "charge" in line]
    assert "● charge 1/5" in line
    assert line.endswith("again after 2.00 s · TimeoutError: no answer")


def test_what_is_open_runs_to_the_end_and_is_listed_below() -> None:
    timer = Row(Kind.TIMER, "", at(1), due=at(3_601))
    held = Row(Kind.ACTIVITY, "ship", at(2), state=State.HELD)
    live = an_order(timer, held, status=RuntimeStatus.RUNNING, output=None)
    live.inbox = 2

    lines = plain(live, 120)
    assert lines[1].startswith("Running for 20.0 s · ")
    assert "╍" * 5 in next(line for line in lines if "◷ timer" in line)
    assert lines[lines.index("Waits for") :] == [
        "Waits for",
        "  ◷ timer, since 19.0 s, due 2026-03-02 00:59:59.000 (in 59 min 41 s)",
        "  ● activity ship, not begun: an earlier task_all has not ended",
        "  2 messages in its inbox, not yet taken",
    ]


def test_long_list_of_waits_is_cut() -> None:
    many = [Row(Kind.ACTIVITY, f"a{number}", at(1)) for number in range(30)]

    assert plain(an_order(*many, status=RuntimeStatus.RUNNING), 120)[-1] == "  and 18 more"


def test_large_output_is_told_item_by_item() -> None:
    output = '{"first": "' + "x" * 80 + '", "second": [1, 2]}'

    assert plain(an_order(END, output=output), 100)[-3:] == ["Output", f"  first: {'x' * 80}", "  second: [1, 2]"]


def test_colours_mark_states() -> None:
    colored = draw(
        an_order(CHARGE, Row(Kind.ACTIVITY, "b", at(2), at(3), State.FAILED, "broken"), END), {}, at(20), 100
    )

    assert click.style("Completed", fg="green", bold=True) in colored
    assert click.style("broken", fg="red") in colored


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 ms"),
        (0.0004, "0 ms"),
        (0.9994, "999 ms"),
        (0.9999, "1.00 s"),
        (9.996, "10.0 s"),
        (59.94, "59.9 s"),
        (59.99, "1 min"),
        (61, "1 min 1 s"),
        (3_599.9, "1 h"),
        (3_600, "1 h"),
        (5_400, "1 h 30 min"),
        (86_399, "24 h"),
        (187_200, "2 d 4 h"),
        (-5, "0 ms"),
    ],
)
def test_spans_read_well(seconds: float, text: str) -> None:
    assert span(timedelta(seconds=seconds)) == text


def test_moments_are_told_relative_to_now() -> None:
    assert until(at(60), T0) == "in 1 min"
    assert until(T0, at(60)) == "1 min ago"
