"""Runs the whole matrix, in two halves side by side: `python -m tests.chaos [options of pytest]`.

Each half has services of its own. The exit code is 0 only when both halves are green.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.chaos.counting import Counts, table

HALVES = ("1/2", "2/2")


def main() -> int:
    """Run both halves and add up what they proved."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder) / f"{number}.json" for number, _ in enumerate(HALVES)]
        command = [sys.executable, "-m", "pytest", "-q", "--show-capture=no", "-p", "no:cacheprovider", "tests/chaos"]
        halves = [
            subprocess.Popen([*command, *sys.argv[1:]], env=os.environ | {"CHAOS": half, "CHAOS_COUNTS": str(file)})
            for half, file in zip(HALVES, files, strict=True)
        ]
        codes = [half.wait() for half in halves]
        proved: Counts = Counter()
        for file in files:
            proved.update({(invariant, story): number for invariant, story, number in json.loads(file.read_text())})
    print("\ncases that were proved, both halves together", *table(proved), sep="\n")
    print(f"{'green' if not any(codes) else 'RED'} after {time.monotonic() - began:.0f} s")
    return max(codes)


if __name__ == "__main__":
    sys.exit(main())
