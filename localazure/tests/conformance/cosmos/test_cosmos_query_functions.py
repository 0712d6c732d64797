"""Functions and comparisons of the query language through the official client."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest


@pytest.fixture
def value_of(container):
    """The value of an expression; "undefined" when it has none."""

    def evaluate(expression):
        rows = list(container.query_items(f"SELECT VALUE {expression}", enable_cross_partition_query=True))
        return rows[0] if rows else "undefined"

    return evaluate


def check_all(value_of, cases):
    for expression, expected in cases.items():
        found = value_of(expression)
        assert json.dumps(found) == json.dumps(expected), expression


def test_c127_string_functions(value_of):
    cases = {
        "CONCAT('a', 'b', 'c')": "abc",
        "CONTAINS('Hello', 'ell')": True,
        "CONTAINS('Hello', 'ELL')": False,
        "CONTAINS('Hello', 'ELL', true)": True,
        "STARTSWITH('Hello', 'he', true)": True,
        "STARTSWITH('Hello', 'he')": False,
        "ENDSWITH('Hello', 'LO', true)": True,
        "ENDSWITH('Hello', 'lo')": True,
        "INDEX_OF('abcabc', 'c')": 2,
        "INDEX_OF('abcabc', 'c', 3)": 5,
        "INDEX_OF('abc', 'x')": -1,
        "LEFT('abc', 2)": "ab",
        "RIGHT('abc', 2)": "bc",
        "SUBSTRING('abcdef', 1, 3)": "bcd",
        "REPLACE('banana', 'an', 'o')": "booa",
        "REPLICATE('ab', 3)": "ababab",
        "REVERSE('abc')": "cba",
        "LOWER('ÄbC')": "äbc",
        "UPPER('äbC')": "ÄBC",
        "LENGTH('abc')": 3,
        "TRIM('  a ')": "a",
        "LTRIM('  a ')": "a ",
        "RTRIM('  a ')": "  a",
        "StringEquals('a', 'A')": False,
        "StringEquals('a', 'A', true)": True,
        "RegexMatch('abcd', '^A.*d$', 'i')": True,
        "RegexMatch('abcd', '^b')": False,
        "ToString(1.5)": "1.5",
        "ToString([1, {'a': null}])": '[1,{"a":null}]',
        "StringToNumber('1.50')": 1.5,
        "StringToNumber('x')": "undefined",
        "UPPER(1)": "undefined",
    }
    check_all(value_of, cases)


def test_c128_array_and_type_functions(value_of):
    cases = {
        "ARRAY_CONTAINS([1, 2], 2)": True,
        "ARRAY_CONTAINS([{'a': 1, 'b': 2}], {'a': 1})": False,
        "ARRAY_CONTAINS([{'a': 1, 'b': 2}], {'a': 1}, true)": True,
        "ARRAY_CONTAINS([{'a': {'x': 1, 'y': 2}}], {'a': {'x': 1}}, true)": True,
        "ARRAY_CONTAINS_ANY([1, 2], 5, 2)": True,
        "ARRAY_CONTAINS_ANY([1, 2], 5)": False,
        "ARRAY_CONTAINS_ALL([1, 2, 3], 3, 1)": True,
        "ARRAY_CONTAINS_ALL([1, 2, 3], 3, 4)": False,
        "ARRAY_LENGTH([1, [2], 3])": 3,
        "ARRAY_SLICE([1, 2, 3, 4], 1, 2)": [2, 3],
        "ARRAY_SLICE([1, 2, 3, 4], -2)": [3, 4],
        "ARRAY_CONCAT([1], [2, 3], [])": [1, 2, 3],
        "SetIntersect([1, 2, 2, 3], [2, 3, 4])": [2, 3],
        "SetUnion([1, 2], [2, 3])": [1, 2, 3],
        "IS_DEFINED(undefined)": False,
        "IS_DEFINED(null)": True,
        "IS_NULL(null)": True,
        "IS_STRING('a')": True,
        "IS_STRING(1)": False,
        "IS_NUMBER(1.5)": True,
        "IS_BOOL(false)": True,
        "IS_BOOL(0)": False,
        "IS_ARRAY([])": True,
        "IS_OBJECT({})": True,
        "IS_OBJECT([])": False,
        "IS_PRIMITIVE(null)": True,
        "IS_PRIMITIVE([])": False,
        "IS_INTEGER(2.0)": True,
        "IS_INTEGER(2.5)": False,
    }
    check_all(value_of, cases)


def test_c129_math_and_date_functions(value_of):
    cases = {
        "ABS(-1.5)": 1.5,
        "CEILING(1.2)": 2,
        "FLOOR(-1.2)": -2,
        "ROUND(2.5)": 3,
        "ROUND(-2.5)": -3,
        "SQRT(9)": 3,
        "POWER(2, 10)": 1024,
        "LOG(8, 2)": 3,
        "PI()": 3.141592653589793,
        "4 / 2": 2,
        "1 / 0": "undefined",
        "1 % 0": "undefined",
        "DateTimeAdd('mm', 1, '2026-01-31T00:00:00.0000000Z')": "2026-02-28T00:00:00.0000000Z",
        "DateTimePart('hour', '2026-01-31T13:14:15.1234567Z')": 13,
        "DateTimeDiff('day', '2026-01-01T23:00:00.0000000Z', '2026-01-02T01:00:00.0000000Z')": 1,
        "TimestampToDateTime(1767225600000)": "2026-01-01T00:00:00.0000000Z",
        "DateTimeToTimestamp('2026-01-01T00:00:00.0000000Z')": 1767225600000,
    }
    check_all(value_of, cases)


def test_c129_the_current_time_is_the_servers(server, value_of):
    server.admin.advance(1000)
    now_ms = datetime.now(UTC).timestamp() * 1000
    assert 999_000 < value_of("GetCurrentTimestamp()") - now_ms < 1_060_000


def test_c139_values_compare_by_what_they_are(value_of):
    cases = {
        "1 = 1.0": True,
        "[1, {'a': 2}] = [1.0, {'a': 2.0}]": True,
        "[1, 2] = [2, 1]": False,
        "{'a': 1, 'b': [2]} = {'b': [2], 'a': 1}": True,
        "'a' = 'A'": False,
        "'B' < 'a'": True,
        "'é' > 'z'": True,
        "null = null": True,
        "null < null": False,
        "null <= null": True,
        "false < true": True,
        "1 = '1'": "undefined",
        "1 < '2'": "undefined",
        "[1] < [2]": "undefined",
    }
    check_all(value_of, cases)
