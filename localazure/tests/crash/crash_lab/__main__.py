"""`python -m crash_lab DIRECTORY`: one experiment per line of standard input, its result as a line of standard output.

In   {"scenario": name, see `scenarios.scenario_named`,
      "mode": {setting of host.json},
      "kills": [[moment, occurrence] or ["", 0, seconds after which it is killed from outside], one per life]}
Out  {"killed": [names of the moment, joined by +, one per death], "moments": [names, of the last life],
      "problems": [text]}

Experiments that go wrong leave their files in the directory.
"""

from __future__ import annotations

import gc
import json
import sys
from pathlib import Path
from typing import Any

from crash_lab.checks import problems
from crash_lab.experiment import Story, play
from crash_lab.lives import Kill
from crash_lab.scenarios import scenario_named


def main() -> None:
    gc.freeze()  # what forks do not collect they need not copy
    root = Path(sys.argv[1])
    undisturbed: dict[str, Story] = {}
    for line in sys.stdin:
        wanted: dict[str, Any] = json.loads(line)
        scenario, mode = scenario_named(wanted["scenario"]), wanted["mode"]
        key = json.dumps([wanted["scenario"], mode])
        if key not in undisturbed:
            undisturbed[key] = play(scenario, mode, [], root)
        kills = [Kill(*each) for each in wanted["kills"]]
        story = play(scenario, mode, kills, root) if kills else undisturbed[key]
        found = problems(story, undisturbed[key])
        print(json.dumps({"killed": story.killed, "moments": story.moments, "problems": found}), flush=True)


if __name__ == "__main__":
    main()
