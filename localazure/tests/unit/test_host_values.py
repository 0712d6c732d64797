"""Values on their way: converters, binding expressions, queue messages, responses, log lines."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import azure.functions as func
import pytest
from azure.functions.meta import Datum
from localazure.host import converters, expressions
from localazure.host.current import Invocation, current_invocation
from localazure.host.errors import IndexingError
from localazure.host.host_json import Section
from localazure.host.http.messages import response_of
from localazure.host.logs import CategoryFormatter, LevelFilter
from localazure.host.queue_options import QueueOptions, check_queue_name, poison_queue_of
from localazure.host.queue_output import messages_of
from localazure.host.queue_trigger import message_call, wait_s
from localazure.host.tracebacks import user_traceback

NOW = datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC)


@pytest.mark.parametrize(
    ("datum", "expected"),
    [
        (Datum("a", "string"), "a"),
        (Datum(b"a", "bytes"), b"a"),
        (Datum('{"a": 1}', "json"), '{"a": 1}'),
        (Datum(None, None), None),
    ],
)
def test_generic_converter_passes_values_through(datum, expected) -> None:
    assert converters.decode("unknownTrigger", datum, {}, is_raw=False) == expected


def test_generic_converter_refuses_other_data() -> None:
    with pytest.raises(ValueError, match="unexpected type of data"):
        converters.decode("unknownTrigger", Datum(1, "int"), {}, is_raw=False)


@pytest.mark.parametrize(
    ("value", "kind"),
    [("a", "string"), (b"a", "bytes"), (None, None), ({"a": 1}, "dict"), ([1], "list"), (True, "int"), (1.5, "double")],
)
def test_generic_converter_encodes_by_type(value, kind) -> None:
    assert converters.encode("unknown", value, is_raw=False).type == kind


def test_refusals_use_the_words_of_the_worker() -> None:
    with pytest.raises(TypeError, match='unsupported type "queue" for Python type "int"'):
        converters.encode("queue", 5, is_raw=False)
    with pytest.raises(TypeError, match="unable to decode incoming TypedData: unsupported combination"):
        converters.decode("timerTrigger", Datum("{}", "string"), {}, is_raw=False)


@pytest.mark.parametrize(
    ("kind", "is_implicit"),
    [("activityTrigger", True), ("orchestrationTrigger", True), ("unknownTrigger", True), ("queueTrigger", False)],
)
def test_only_some_triggers_take_a_return_value(kind, is_implicit) -> None:
    assert converters.has_implicit_output(kind) is is_implicit


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("orders-{ID}", "orders-7"),
        ("{order.lines.first}", "tea"),
        ("{Query.size}/{count}", "xl/3"),
        ("{DateTime:yyyy-MM-dd}", "2026-02-03"),
        ("plain", "plain"),
    ],
)
def test_expressions_are_filled_from_the_trigger(text, expected) -> None:
    values = {"id": "7", "count": 3, "order": {"lines": {"first": "tea"}}, "Query": {"size": "xl"}}
    assert expressions.fill(text, values, NOW) == expected


def test_random_names_differ() -> None:
    assert expressions.fill("{rand-guid}", {}, NOW) != expressions.fill("{rand-guid}", {}, NOW)


def test_expression_without_a_value_is_told() -> None:
    with pytest.raises(ValueError, match=r"'\{nothing\}'"):
        expressions.fill("{nothing}", {}, NOW)


@pytest.mark.parametrize(
    ("datum", "bodies"),
    [
        (Datum("text", "string"), [b"text"]),
        (Datum(b"\x00\xff", "bytes"), [b"\x00\xff"]),
        (Datum('["a", {"b": 1}]', "string"), [b"a", b'{"b": 1}']),
        (Datum('{"a":  1}', "string"), [b'{"a":  1}']),
        (converters.encode("queue", ["a", "b"], is_raw=False), [b"a", b"b"]),
        (converters.encode("queue", func.QueueMessage(id="1", body="hi"), is_raw=False), [b"hi"]),
    ],
)
def test_h063_output_value_becomes_messages(datum, bodies) -> None:
    assert messages_of(datum) == bodies


def _queue_options(**values: Any) -> QueueOptions:
    return QueueOptions.read(Section("extensions.queues", values))


def test_h060_messages_are_base64_unless_told_otherwise() -> None:
    options = _queue_options()
    assert options.decode(options.encode("grüß".encode())) == "grüß".encode()
    for text in ("not base64!", "/w=="):  # the second is Base64 of what is not UTF-8
        with pytest.raises(ValueError, match="not Base64"):
            options.decode(text)
    assert _queue_options(messageEncoding="none").decode("plain") == b"plain"


def test_queue_defaults_are_those_of_the_original_in_development() -> None:
    options = _queue_options()
    assert (options.batch_size, options.max_dequeue_count) == (16, 5)
    assert options.max_polling_interval.total_seconds() == 2


@pytest.mark.parametrize(
    ("queue", "poison"),
    [("orders", "orders-poison"), ("orders-poison", None), ("x" * 56, f"{'x' * 56}-poison"), ("x" * 57, None)],
)
def test_poison_queue_exists_only_where_its_name_fits(queue, poison) -> None:
    assert poison_queue_of(queue) == poison


def test_polling_backs_off_to_the_longest_interval() -> None:
    assert wait_s(1, 60) == 0.1
    assert 0.26 <= wait_s(2, 60) <= 0.34
    assert 0.74 <= wait_s(4, 60) <= 1.06
    assert wait_s(500, 60) == 60


def test_message_data_can_be_used_in_other_bindings() -> None:
    call = message_call(b'{"order": "7"}', wants_bytes=False, reason="", metadata={"Id": "i", "DequeueCount": 1})
    assert (call.values["order"], call.values["QueueTrigger"]) == ("7", '{"order": "7"}')
    assert (call.metadata["DequeueCount"].type, call.metadata["Id"].type) == ("int", "string")


def test_h039_response_of_the_sdk_keeps_repeated_headers_and_loses_those_of_the_server() -> None:
    response = func.HttpResponse(
        "x", mimetype="application/json", headers={"Content-Length": "99", "Connection": "close"}
    )
    response.headers.add("X-A", "1")
    response.headers.add("X-A", "2")
    sent = response_of(converters.encode("http", response, is_raw=False))
    assert sent.headers.getall("X-A") == ["1", "2"]
    assert sent.headers["Content-Type"] == "application/json"
    assert "Connection" not in sent.headers


@pytest.mark.parametrize(
    ("text", "status", "body"),
    [
        ("plain", 200, b"plain"),
        ('{"a": 1}', 200, b'{"a": 1}'),
        ('{"body": {"a": 1}, "status": "201"}', 201, b'{"a": 1}'),
        ("{ not json", 200, b"{ not json"),
    ],
)
def test_h041_text_is_sent_as_it_is_unless_it_describes_a_response(text, status, body) -> None:
    sent = response_of(Datum(text, "string"))
    assert (sent.status, sent.body) == (status, body)


@pytest.mark.parametrize(
    "text",
    [
        '{"body": "", "status": 99}',
        '{"body": "", "status": 100}',
        '{"body": "", "status": 1000}',
        '{"body": "", "status": "many"}',
        '{"body": "", "headers": {"a": "b\\r\\nc: d"}}',
        '{"body": "", "headers": {"a b": "c"}}',
    ],
)
def test_response_that_would_break_the_connection_is_refused(text) -> None:
    with pytest.raises(ValueError, match=r"is not a status|cannot be sent|invalid literal"):
        response_of(Datum(text, "string"))


def _record(name: str, level: int = logging.INFO) -> logging.LogRecord:
    return logging.LogRecord(name, level, "", 0, "hello", (), None)


def test_log_lines_name_the_function() -> None:
    formatter = CategoryFormatter()
    assert "] [Function.take] hello" in formatter.format(_record("Function.take"))
    assert "] [Host.QueueTrigger] Warning: hello" in formatter.format(
        _record("localazure.host.queue_trigger", logging.WARNING)
    )
    token = current_invocation.set(Invocation("take"))
    try:
        assert "] [Function.take.User] hello" in formatter.format(_record("root"))
    finally:
        current_invocation.reset(token)


def test_level_of_the_longest_category_counts() -> None:
    levels = LevelFilter({"default": "Warning", "Function": "Information", "Function.quiet": "None"})
    assert not levels.filter(_record("other"))
    assert levels.filter(_record("Function.loud"))
    assert not levels.filter(_record("Function.quiet", logging.CRITICAL))
    assert levels.lowest == logging.INFO


def test_datum_of_a_document_list_is_its_json() -> None:
    datum = converters.encode("cosmosDB", func.DocumentList([func.Document.from_dict({"id": "1"})]), is_raw=False)
    assert json.loads(datum.value) == [{"id": "1"}]


class _UserMapping(dict[str, str]):
    """User code that is called by ours."""

    def items(self) -> Any:
        raise ValueError("mine")


def test_h042_traceback_begins_with_user_code_even_when_localazure_lies_below_the_root() -> None:
    with pytest.raises(ValueError, match="mine") as raised:
        expressions.fill("{a}", _UserMapping(), NOW)
    called_by_ours = raised.value.with_traceback(raised.value.__traceback__.tb_next)
    lines = user_traceback(called_by_ours, root=Path(__file__).parents[3]).splitlines()
    assert lines[1].endswith(", in items")
    assert lines[-1] == "ValueError: mine"


def test_message_that_nests_too_deep_to_be_read_is_still_delivered() -> None:
    call = message_call(b"[" * 20_000, wants_bytes=True, reason="r", metadata={"Id": "m-1"})

    assert call.values == {"QueueTrigger": "[" * 20_000, "Id": "m-1"}


@pytest.mark.parametrize("name", ["orders", "Orders-2", "a1b", "x" * 63])
def test_names_of_queues_are_letters_digits_and_dashes(name) -> None:
    check_queue_name(name)


@pytest.mark.parametrize("name", ["", "my_queue", "ab", "x" * 64, "-a-b", "a--b", "ab-", "or ders", "orders\n"])
def test_name_that_no_queue_can_have_is_told(name) -> None:
    with pytest.raises(IndexingError, match=f"The queue name '{name}' is invalid"):
        check_queue_name(name)
