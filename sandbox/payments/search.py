"""Stripe's search language: `metadata['order_id']:'o-1' AND -status:'canceled'`, compiled to a condition in SQL.

Clauses are joined by AND or by OR, never by both. `:` is exact (case-insensitive), `~` finds a part of a text, numbers
compare with `>`, `<`, `>=`, `<=`, `-` negates, and `metadata['key']:null` asks for a key that is not set.
Unlike at Stripe, where the index lags behind, what was written is found at once.
"""

from __future__ import annotations

import operator
import re
from functools import reduce

from sandbox.payments.errors import StripeError, invalid_request
from sandbox.payments.store import Query

_TEXTS = ("currency", "customer", "status")
_NUMBERS = ("amount", "created")

_QUOTED = r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\""
_CLAUSE = re.compile(
    rf"\s*(?P<not>-?)(?:metadata\[(?P<key>{_QUOTED})\]|(?P<field>\w+))\s*(?P<operator>>=|<=|[:~><])\s*"
    rf"(?P<value>{_QUOTED}|-?\d+|null)\s*"
)
_JOIN = re.compile(r"(AND|OR)\b", re.IGNORECASE)


def compile_search(text: str) -> Query:
    """Raises invalid_request_error for what the language does not allow."""
    clauses, joins, at = [], set(), 0
    while True:
        clause = _CLAUSE.match(text, at)
        if not clause:
            raise _unparsable(text)
        clauses.append(_condition(clause))
        at = clause.end()
        if at == len(text):
            break
        join = _JOIN.match(text, at)
        joins.add(join[1].upper() if join else "AND")
        at = join.end() if join else at
    if len(joins) > 1:
        raise invalid_request("You cannot combine AND and OR in the same search query.", param="query")
    return reduce(operator.or_ if joins == {"OR"} else operator.and_, clauses)


def _condition(clause: re.Match[str]) -> Query:
    key = clause["key"]
    found = _metadata(_unquoted(key), clause) if key else _column(clause["field"], clause)
    return Query(f"NOT ({found.condition})", found.values) if clause["not"] else found


def _metadata(key: str, clause: re.Match[str]) -> Query:
    exists = "EXISTS (SELECT 1 FROM intent_metadata WHERE intent_id = intents.id AND key = ?"
    if clause["value"] == "null":
        return Query(f"NOT {exists})", (key,))
    if clause["operator"] == ":":
        # asked this way round, the index over metadata finds the few intents at once
        return Query("intents.id IN (SELECT intent_id FROM intent_metadata WHERE key = ? AND value = ?)",
                     (key, _unquoted(clause["value"])))  # fmt: skip
    if clause["operator"] == "~":
        return Query(f"{exists} AND instr(lower(value), lower(?)) > 0)", (key, _unquoted(clause["value"])))
    raise _unparsable(clause[0])


def _column(field: str, clause: re.Match[str]) -> Query:
    sign, value = clause["operator"], clause["value"]
    if field in _NUMBERS and sign != "~" and value.lstrip("-").isdigit():
        return Query(f"{field} {'=' if sign == ':' else sign} ?", (int(value),))
    if field in _TEXTS and sign == ":" and value != "null":
        return Query(f"{field} IS lower(?)", (_unquoted(value),))
    if field in (*_TEXTS, *_NUMBERS):
        raise _unparsable(clause[0])
    known = ", ".join(sorted((*_TEXTS, *_NUMBERS, "metadata")))
    raise invalid_request(f"Field `{field}` is an unsupported search field. Supported: {known}.", param="query")


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text[1:-1]) if text[:1] in "'\"" else text


def _unparsable(text: str) -> StripeError:
    return invalid_request(f"We were unable to parse your search query: {text.strip()}", param="query")
