"""`python -m sandbox.mail`: the mail sink as a process."""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path

from sandbox import process
from sandbox.mail.service import Options, mail


def main() -> int:
    """Read the command line, serve until a signal, and return the exit code."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s %(message)s")
    options = _options()
    return process.run(lambda: mail(options))


def _options() -> Options:
    parser = argparse.ArgumentParser(
        prog="python -m sandbox.mail", description="A mail server that delivers nothing and shows everything."
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--http-port", type=int, required=True, help="inbox page and JSON; 0 takes any free port")
    parser.add_argument("--smtp-port", type=int, required=True, help="where mail is sent to; 0 takes any free port")
    parser.add_argument("--data", type=Path, help="SQLite file; without it, nothing outlives the process")
    given = parser.parse_args()
    return Options(host=given.host, http_port=given.http_port, smtp_port=given.smtp_port, data=given.data)


if __name__ == "__main__":
    sys.exit(main())
