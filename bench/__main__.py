"""Runs every benchmark, prints the table and writes bench/results/latest.json."""

from __future__ import annotations

from bench import cosmos, durable, durable_scale, host, orders
from bench.report import LATEST, table, write


def main() -> None:
    """Measure everything in one run, so that the ratios are fair."""
    print("Measuring the task hub against the bare SDK ...", flush=True)
    measurements = durable.measure()
    print("Measuring how the task hub grows ...", flush=True)
    measurements += durable_scale.measure()
    print("Measuring the Functions host against bare aiohttp and a bare queue loop ...", flush=True)
    measurements += host.measure()
    print("Measuring orders end to end ...", flush=True)
    measurements += orders.measure()
    print("Measuring the Cosmos DB emulator against canned answers, then with much data ...", flush=True)
    measurements += cosmos.measure()
    write(measurements)
    print(f"\n{table(measurements)}\n\nWritten to {LATEST.relative_to(LATEST.parents[2])}")


if __name__ == "__main__":
    main()
