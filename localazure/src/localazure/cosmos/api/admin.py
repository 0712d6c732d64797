"""What a test may do to the server beyond what the service offers: faults, the clock, a fresh start."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

from localazure.cosmos.account import Account
from localazure.cosmos.errors import BadRequest, MethodNotAllowed, NotFound
from localazure.cosmos.jsontext import dump, parse_object
from localazure.cosmos.messages import Reply

CHARGES = "estimates after published tables, not for billing"


class Admin:
    """Answers paths below /_emulator, without authentication: the server listens on this machine alone."""

    def __init__(self, account: Account, log: deque[Mapping[str, Any]]) -> None:
        self._account = account
        self._log = log

    def answer(self, method: str, path: str, query: Mapping[str, str], body: bytes) -> Reply:
        """Raises NotFound, MethodNotAllowed and BadRequest."""
        name = path.removeprefix("/_emulator").strip("/")
        actions = {
            ("GET", "info"): self._info,
            ("GET", "requests"): lambda: self._requests(query),
            ("GET", "faults"): self._faults,
            ("POST", "faults"): lambda: self._add_fault(body),
            ("DELETE", "faults"): self._clear_faults,
            ("POST", "clock"): lambda: self._advance(body),
            ("GET", "charges"): self._charges,
            ("DELETE", "charges"): self._forget_charges,
            ("POST", "reset"): self._reset,
        }
        if (method, name) in actions:
            return actions[method, name]()
        if any(known == name for _, known in actions):
            raise MethodNotAllowed(f"{method} is not for {path}.")
        raise NotFound(f"There is nothing at {path}.")

    def _info(self) -> Reply:
        options = self._account.options
        facts = {
            "version": version("localazure"),
            "data": str(options.data or ":memory:"),
            "consistency": options.consistency,
            "authenticate": options.authenticate,
            "partitions": options.partitions,
            "throttle": options.throttle or options.ru_per_s > 0,
            "requestCharges": CHARGES,
            "now": self._account.clock.now().isoformat(),
        }
        return Reply(text=dump(facts))

    def _requests(self, query: Mapping[str, str]) -> Reply:
        last = query.get("last", "100")
        if not last.isdigit():
            raise BadRequest(f"last={last!r} is not a number.")
        return Reply(text=dump(list(self._log)[-int(last) :] if int(last) else []))

    def _faults(self) -> Reply:
        return Reply(text=dump(self._account.faults.list()))

    def _add_fault(self, body: bytes) -> Reply:
        self._account.faults.add(parse_object(body))
        return self._faults()

    def _clear_faults(self) -> Reply:
        self._account.faults.clear()
        return Reply(204)

    def _advance(self, body: bytes) -> Reply:
        seconds = parse_object(body).get("advanceSeconds")
        if isinstance(seconds, bool) or not isinstance(seconds, int | float) or seconds < 0:
            raise BadRequest(f"advanceSeconds must be a number of seconds, not {seconds!r}.")
        try:
            self._account.clock.advance(seconds)
        except OverflowError as error:
            raise BadRequest(f"advanceSeconds must not lead beyond the year 9999, as {seconds} does.") from error
        return Reply(text=dump({"now": self._account.clock.now().isoformat()}))

    def _charges(self) -> Reply:
        ledger = self._account.ledger
        return Reply(text=dump({"since": ledger.since.isoformat(), "charges": ledger.entries(), "note": CHARGES}))

    def _forget_charges(self) -> Reply:
        self._account.ledger.clear()
        return Reply(204)

    def _reset(self) -> Reply:
        self._account.catalog.drop_everything()
        self._account.faults.clear()
        return Reply(204)
