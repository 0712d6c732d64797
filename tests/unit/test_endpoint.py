"""The frame around every handler, and the pieces that handlers are written with."""

from __future__ import annotations

import json
from typing import Any

import azure.functions as func
import pytest

from adapters import tokens
from domain.callers import Caller, Role
from domain.catalogue import AdjustStock
from domain.errors import Transient, Unauthenticated
from domain.shapes import Model
from triggers.http import CUSTOMER, OPERATOR
from triggers.web.answers import Answer, representation
from triggers.web.call import Call, origin
from triggers.web.endpoint import ANYONE, Roles, endpoint
from triggers.web.links import check_status
from triggers.web.paging import Page

URL = "https://shop.example/api/v1/things?limit=2"
ADJUSTMENT = {"delta": 1, "reason": "found"}


def a_request(body: Any = None, *, headers: dict[str, str] | None = None, **params: str) -> func.HttpRequest:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return func.HttpRequest("POST", URL, headers=headers or {}, params=params, route_params={}, body=content)


async def ask(handler: Any, request: func.HttpRequest, roles: Roles = ANYONE) -> func.HttpResponse:
    return await endpoint(handler, roles)(request, None)  # type: ignore[arg-type]  # no handler here uses the task hub


def problem_of(response: func.HttpResponse) -> dict[str, Any]:
    assert response.mimetype == "application/problem+json"
    found: dict[str, Any] = json.loads(response.get_body())
    return found


async def echo(call: Call) -> Answer:
    """Answer with who calls."""
    return Answer(200, {"tenant": call.tenant_id, "api": call.api_url})


async def adjust(call: Call) -> Answer:
    """Read a body."""
    return Answer(200, {"delta": call.body(AdjustStock).delta})


async def fail(_: Call) -> Answer:
    """Break."""
    raise RuntimeError("password=hunter2")


async def busy(_: Call) -> Answer:
    """Meet a service that is down."""
    raise Transient("Cosmos DB does not answer", retry_after_s=3)


async def empty(_: Call) -> Answer:
    """Have nothing to say."""
    return Answer(202)


def signed_in(monkeypatch: pytest.MonkeyPatch, *roles: Role) -> None:
    async def verify(token: str) -> Caller:
        if token != "good":
            raise Unauthenticated("the token has expired")
        return Caller("acme", "u-1", frozenset(roles))

    monkeypatch.setattr(tokens, "verify", verify)


async def test_ids_of_the_caller_are_taken_over() -> None:
    traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    response = await ask(empty, a_request(headers={"x-correlation-id": "corr-7", "traceparent": traceparent}))

    assert response.headers["x-correlation-id"] == "corr-7"
    assert response.headers["traceparent"] == traceparent
    assert (response.status_code, response.get_body()) == (202, b"")


@pytest.mark.parametrize("bad", ["", "x" * 129, "a\nb", "<script>", "é"])
async def test_ids_that_are_not_well_formed_are_replaced(bad: str) -> None:
    response = await ask(empty, a_request(headers={"x-correlation-id": bad, "traceparent": bad}))

    assert response.headers["x-correlation-id"] not in ("", bad)
    assert response.headers["traceparent"].startswith("00-")
    assert len(response.headers["traceparent"]) == 55


async def test_caller_with_the_role_gets_through(monkeypatch: pytest.MonkeyPatch) -> None:
    signed_in(monkeypatch, Role.CUSTOMER)
    response = await ask(echo, a_request(headers={"authorization": "Bearer good"}), CUSTOMER)

    assert json.loads(response.get_body()) == {"tenant": "acme", "api": "https://shop.example/api"}


async def test_caller_without_the_role_is_forbidden(monkeypatch: pytest.MonkeyPatch) -> None:
    signed_in(monkeypatch, Role.CUSTOMER)
    response = await ask(echo, a_request(headers={"authorization": "Bearer good"}), OPERATOR)

    assert response.status_code == 403
    assert "operator" in problem_of(response)["detail"]


@pytest.mark.parametrize(
    ("authorization", "saying"),
    [
        ("", "no bearer token"),
        ("Basic dTpw", "no bearer token"),
        ("Bearer ", "no bearer token"),
        ("Bearer x", "expired"),
    ],
)
async def test_missing_or_bad_token_is_told_apart(
    monkeypatch: pytest.MonkeyPatch, authorization: str, saying: str
) -> None:
    signed_in(monkeypatch, Role.OPERATOR)
    response = await ask(echo, a_request(headers={"authorization": authorization}), OPERATOR)

    assert response.status_code == 401
    assert saying in problem_of(response)["detail"]
    assert saying in response.headers["WWW-Authenticate"]


async def test_unexpected_error_is_logged_and_not_told(caplog: pytest.LogCaptureFixture) -> None:
    response = await ask(fail, a_request(headers={"x-correlation-id": "corr-7"}))

    assert response.status_code == 500
    assert b"hunter2" not in response.get_body()
    assert "action=fail" in caplog.text
    assert "correlation=corr-7" in caplog.text
    assert "RuntimeError" in caplog.text


async def test_service_that_is_down_says_when_to_come_back() -> None:
    response = await ask(busy, a_request())

    assert (response.status_code, response.headers["Retry-After"]) == (503, "3")


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (ADJUSTMENT, "application/json", 200),
        (ADJUSTMENT, "application/json; charset=utf-8", 200),
        (ADJUSTMENT, "text/plain", 415),
        (ADJUSTMENT, "", 415),
        (b"{", "application/json", 400),
        (b" " * (1024 * 1024 + 1), "application/json", 413),
    ],
)
async def test_body_is_taken_by_size_and_type(body: Any, content_type: str, status: int) -> None:
    response = await ask(adjust, a_request(body, headers={"content-type": content_type}))

    assert response.status_code == status


@pytest.mark.parametrize("host", ["", "[::1", "a b", "a>b", "user@host", "host:port"])
async def test_host_that_is_none_is_refused_before_anything_is_done(host: str) -> None:
    request = func.HttpRequest("POST", f"http://{host}/api/v1/things?a=b", body=b"")
    response = await ask(fail, request)

    assert response.status_code == 400
    assert problem_of(response)["instance"] == "/api/v1/things"


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:7071", "[::1]:7071", "shop.example"])
def test_links_lead_back_to_the_host_that_was_asked(host: str) -> None:
    assert origin(f"http://{host}/api/x") == f"http://{host}"


async def test_answer_ends_its_line() -> None:
    assert (await ask(busy, a_request())).get_body().endswith(b"}\n")


async def test_handler_gives_its_name_to_the_function() -> None:
    function = endpoint(echo, ANYONE)

    assert (function.__name__, function.__doc__) == ("echo", "Answer with who calls.")


class Thing(Model):
    """Something with an ETag."""

    thing_id: str


@pytest.mark.parametrize(
    ("if_none_match", "status"),
    [(None, 200), ('"b"', 200), ('"a"', 304), ('"b", "a"', 304), ("*", 304), ('W/"a"', 304)],
)
def test_caller_that_has_the_version_gets_no_body(if_none_match: str | None, status: int) -> None:
    answer = representation(Thing(thing_id="t"), '"a"', if_none_match)

    assert (answer.status, answer.headers["ETag"]) == (status, '"a"')
    assert (answer.body is None) == (status == 304)


def a_call(**params: str) -> Call:
    return Call(a_request(**params), None, None, None)  # type: ignore[arg-type]  # only the request is looked at


def test_next_page_keeps_the_filter_and_goes_on_after_the_last_item() -> None:
    call = a_call(limit="2", status="confirmed")
    answer = Page.asked_by(call).answer(call, "/v1/things", [Thing(thing_id="t-2")], "t-2")
    assert isinstance(answer.body, dict)

    following = a_call(continuation=answer.body["continuation"])

    assert Page.asked_by(following).after == "t-2"
    assert answer.headers["Link"].startswith("<https://shop.example/api/v1/things?limit=2&status=confirmed&contin")
    assert answer.headers["Link"].endswith('; rel="next"')


def test_last_page_has_no_continuation() -> None:
    call = a_call()

    assert Page.asked_by(call) == Page(50, None)
    assert Page(50, None).answer(call, "/v1/things", [], None).body == {"items": []}


@pytest.mark.parametrize(
    "params", [{"limit": "0"}, {"limit": "201"}, {"limit": "-1"}, {"limit": "٣"}, {"continuation": "%%"},
               {"continuation": "Li4vLi4="}, {"continuation": ""}],
)  # fmt: skip
async def test_page_that_cannot_be_is_refused(params: dict[str, str]) -> None:
    async def page(call: Call) -> Answer:
        Page.asked_by(call)
        return Answer(200)

    assert (await ask(page, a_request(**params))).status_code == 400


def test_links_lead_to_our_own_routes_and_hold_no_key() -> None:
    links = check_status("https://shop.example/api", "fulfil:acme:o-1")

    assert set(links) == {
        "id", "statusQueryGetUri", "sendEventPostUri", "terminatePostUri", "suspendPostUri", "resumePostUri",
        "rewindPostUri", "purgeHistoryDeleteUri",
    }  # fmt: skip
    assert all(url.startswith("https://shop.example/api/v1/workflows/") for name, url in links.items() if name != "id")
    assert "code=" not in str(links)
