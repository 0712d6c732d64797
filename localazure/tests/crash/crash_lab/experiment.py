"""One experiment: a scenario on a new hub file, killed in each of its lives but the last."""

from __future__ import annotations

import json
import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from signal import SIGKILL
from typing import Any

from crash_lab.evidence import Evidence, read
from crash_lab.lives import Kill, Life
from crash_lab.scenarios import Scenario


@dataclass(slots=True)
class Story:
    """What happened: where each life was killed, and the evidence after each death and at the end."""

    scenario: Scenario
    killed: list[str] = field(default_factory=list)
    deaths: list[Evidence] = field(default_factory=list)
    end: Evidence | None = None
    moments: list[str] = field(default_factory=list)  # of the last life
    problems: list[str] = field(default_factory=list)


def play(scenario: Scenario, mode: dict[str, Any], kills: list[Kill], root: Path) -> Story:
    """Live once per kill, and a last time to the end.

    A life that ends before its kill ends well; the lives behind it then find nothing to do.
    """
    story = Story(scenario)
    folder = Path(tempfile.mkdtemp(dir=root))
    first_step = 0
    for number, kill in enumerate([*kills, Kill()]):
        life = Life(folder, scenario, mode, number, first_step)
        code = life.live(kill)
        story.end = read(folder)
        if code == -SIGKILL:
            story.killed.append(
                f"after {kill.after_s} s" if kill.after_s is not None else (folder / "killed").read_text()
            )
            story.deaths.append(story.end)
        elif code != 0:
            story.problems.append(f"life {number} ended with code {code}:\n{life.log.read_text()[-3000:]}")
            return story
        story.problems += _complaints(life.log)
        first_step = _next_step(story, story.end, folder)
    story.moments = json.loads((folder / "moments.json").read_text())
    shutil.rmtree(folder)
    return story


def _complaints(log: Path) -> list[str]:
    """What no crash explains: exceptions that nobody expected, and a store that gave up."""
    signs = ("Traceback", "CRITICAL:", "ERROR:asyncio:")
    return [line for line in log.read_text().splitlines() if line.startswith(signs)]


def _next_step(story: Story, evidence: Evidence, folder: Path) -> int:
    """The first request that did not take effect. The last one that was acknowledged must have.

    Unless the one behind it has, too: it may be there to undo the other.
    """
    steps, acknowledged = story.scenario.steps, folder / "acknowledged"
    done = len(acknowledged.read_text().splitlines()) if acknowledged.exists() else 0
    is_next_done = done < len(steps) and steps[done].is_done(evidence)
    if story.deaths and done and not is_next_done and not steps[done - 1].is_done(evidence):
        story.problems.append(f"acknowledged, and lost: {steps[done - 1].name}")
    if is_next_done:
        with acknowledged.open("a") as found:
            found.write(f"{steps[done].name}\n")
    return done + is_next_done
