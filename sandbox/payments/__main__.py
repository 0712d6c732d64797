"""`python -m sandbox.payments`: the simulator as a process."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from pathlib import Path

from sandbox import process
from sandbox.payments.service import DEVELOPMENT_SECRET, Options, payments


def main() -> int:
    """Read the command line and the environment, serve until a signal, and return the exit code."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s %(message)s")
    options = _options()
    return process.run(lambda: payments(options))


def _options() -> Options:
    parser = argparse.ArgumentParser(
        prog="python -m sandbox.payments",
        description="A payment provider that speaks Stripe's API, for development.",
        epilog="Environment: PAYMENTS_API_KEY, the only key that is let in (else any sk_test_ key); "
        "PAYMENTS_WEBHOOK_SECRET, which signs webhooks.",
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True, help="0 takes any free port")
    parser.add_argument("--data", type=Path, help="SQLite file; without it, nothing outlives the process")
    parser.add_argument("--webhook-url", help="where events are posted")
    given = parser.parse_args()
    return Options(
        host=given.host,
        port=given.port,
        data=given.data,
        api_key=os.environ.get("PAYMENTS_API_KEY") or None,
        webhook_url=given.webhook_url,
        webhook_secret=os.environ.get("PAYMENTS_WEBHOOK_SECRET") or DEVELOPMENT_SECRET,
    )


if __name__ == "__main__":
    sys.exit(main())
