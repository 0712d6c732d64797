"""Hubs that die again while they go on, and crowds of instances that are killed from outside, again and again."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import pytest
from crash_lab.scenarios import HURRY, SCENARIOS

CROWD_SIZE = 60
KILLS_PER_CROWD = 12


def test_killed_again_during_the_recovery_it_still_ends_as_undisturbed(
    laboratory: Any, deaths: Counter[str], chance: random.Random, pairs: int
) -> None:
    """A sample of all pairs of moments: the second one counts from the second start, and is mostly an early one."""
    names = list(SCENARIOS) + [HURRY + name for name in SCENARIOS]
    lives = laboratory.play_all([{"scenario": name, "mode": {}, "kills": []} for name in names])
    moments = {life.wanted["scenario"]: len(life.moments) for life in lives}
    points = [(name, first) for name, last in moments.items() for first in range(1, last + 1)]
    experiments = [
        {"scenario": name, "mode": {}, "kills": [["", first], ["", chance.randint(1, chance.randint(3, 20))]]}
        for name, first in (chance.choice(points) for _ in range(pairs))
    ]
    twice = 0
    for outcome in laboratory.play_all(experiments):
        outcome.check()
        twice += len(outcome.killed) == 2
    deaths["again while they went on"] += twice
    assert twice > pairs / 2


@pytest.mark.parametrize("number", range(2))
def test_d087_a_crowd_of_instances_killed_at_random_from_outside_ends_as_undisturbed(
    laboratory: Any, deaths: Counter[str], mode: dict[str, Any], chance: random.Random, number: int
) -> None:
    seeds = [chance.randrange(10**6) for _ in range(number + 1)]
    name = f"crowd {CROWD_SIZE} {seeds[number]}"
    laboratory.play(scenario=name, mode=mode, kills=[]).check()
    delays = [chance.uniform(0.01, 0.15) for _ in range(KILLS_PER_CROWD)]
    outcome = laboratory.play(scenario=name, mode=mode, kills=[["", 0, round(delay, 3)] for delay in delays])
    outcome.check()
    deaths["from outside under load"] += len(outcome.killed)
    assert len(outcome.killed) > 1
