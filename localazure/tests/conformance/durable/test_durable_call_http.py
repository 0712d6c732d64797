"""HTTP requests that the hub makes for orchestrators."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import jwt
import pytest
from aiohttp import web
from azure.durable_functions import ManagedIdentityTokenSource
from localazure.clock import SystemClock
from localazure.identity.http import identity_app
from localazure.keys import SigningKey


class Service:
    """Echoes requests, with the status in the path, and remembers them."""

    def __init__(self) -> None:
        self.url = ""
        self.requests: list[tuple[str, str, str, dict[str, str]]] = []

    async def echo(self, request: web.Request) -> web.Response:
        content_type, text = request.headers.get("Content-Type", "-"), await request.text()
        self.requests.append((request.method, content_type, text, dict(request.headers)))
        status = int(request.match_info["status"])
        answer = web.Response(status=status, text=f"{request.method} {content_type} {text}")
        answer.headers.extend([("X-Mark", "1"), ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")])
        answer.headers["Location"] = f"{self.url}/elsewhere"
        return answer


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    echo = Service()
    app = web.Application(client_max_size=2**25)
    app.router.add_route("*", "/{status}", echo.echo)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    echo.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield echo
    await runner.cleanup()


@pytest.fixture
def caller(rig: Any) -> Any:
    @rig.functions.orchestrator
    def calls(context: Any) -> Any:
        wanted = context.get_input()
        resource = wanted.pop("resource", None)
        source = ManagedIdentityTokenSource(resource) if resource else None
        try:
            return (yield context.call_http(**wanted, token_source=source))
        except Exception as caught:  # noqa: BLE001  # the SDK raises nothing narrower
            return str(caught)

    return rig


@pytest.mark.parametrize("status", [200, 404, 500])
async def test_d064_every_answer_is_a_result(caller: Any, service: Service, status: int) -> None:
    result = await caller.output("calls", {"method": "GET", "uri": f"{service.url}/{status}"})
    assert set(result) == {"statusCode", "headers", "content"}
    assert (result["statusCode"], result["content"]) == (status, "GET - ")
    assert (result["headers"]["X-Mark"], result["headers"]["Set-Cookie"]) == ("1", ["a=1", "b=2"])


async def test_d065_a_202_is_returned_as_it_is(caller: Any, service: Service) -> None:
    result = await caller.output("calls", {"method": "GET", "uri": f"{service.url}/202"})
    assert (result["statusCode"], result["headers"]["Location"]) == (202, f"{service.url}/elsewhere")
    assert len(service.requests) == 1


@pytest.mark.parametrize(
    ("wanted", "content_type", "text"),
    [
        ({"content": {"a": 1}}, "text/plain; charset=utf-8", '{"a": 1}'),
        ({"content": "x", "is_raw_str": True}, "text/plain; charset=utf-8", "x"),
        ({"content": "x"}, "text/plain; charset=utf-8", '"x"'),
        ({"content": {"a": 1}, "headers": {"content-type": "application/json"}}, "application/json", '{"a": 1}'),
    ],
)
async def test_d064_content_is_sent_as_text_unless_a_header_says_otherwise(
    caller: Any, service: Service, wanted: dict[str, Any], content_type: str, text: str
) -> None:
    await caller.output("calls", {"method": "POST", "uri": f"{service.url}/201", **wanted})
    assert [request[:3] for request in service.requests] == [("POST", content_type, text)]


async def test_d064_a_refused_connection_is_an_exception(caller: Any) -> None:
    text = await caller.output("calls", {"method": "GET", "uri": "http://127.0.0.1:1/"})
    assert text.startswith("Activity function 'BuiltIn::HttpActivity' failed:  ClientConnectorError: ")


@pytest.mark.parametrize(
    "wrong",
    [
        {"method": "GE T"},
        {"headers": {"bad name": "x"}},
        {"headers": {"X": "a\r\nInjected: 1"}},
        {"headers": {"X": 5}},
        {"headers": [1]},
        {"uri": "file:///etc/passwd"},
        {"uri": "nowhere"},
    ],
)
async def test_a_request_that_cannot_be_made_is_an_exception(
    caller: Any, service: Service, wrong: dict[str, Any]
) -> None:
    text = await caller.output("calls", {"method": "GET", "uri": f"{service.url}/200"} | wrong)
    assert text.startswith("Activity function 'BuiltIn::HttpActivity' failed:  ")
    assert service.requests == []


async def test_a_header_may_have_several_values(caller: Any, service: Service) -> None:
    await caller.output("calls", {"method": "GET", "uri": f"{service.url}/200", "headers": {"X-Many": ["a", "b"]}})
    assert service.requests[0][3]["X-Many"] == "a"


async def test_a_token_source_brings_a_token_of_the_managed_identity(
    caller: Any, service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = SigningKey.load(tmp_path / "keys", "identity")
    runner = web.AppRunner(identity_app(key, "secret", SystemClock()))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    monkeypatch.setenv("IDENTITY_ENDPOINT", f"http://127.0.0.1:{runner.addresses[0][1]}/msi/token")
    monkeypatch.setenv("IDENTITY_HEADER", "secret")
    uri = f"{service.url}/200"
    await caller.output("calls", {"method": "GET", "uri": uri, "resource": "https://management.core.windows.net/"})
    scheme, _, token = service.requests[0][3]["Authorization"].partition(" ")
    claims = jwt.decode(token, options={"verify_signature": False})
    assert (scheme, claims["aud"]) == ("Bearer", "https://management.core.windows.net/")
    monkeypatch.setenv("IDENTITY_HEADER", "guess")
    await caller.restart()
    text = await caller.output("calls", {"method": "GET", "uri": uri, "resource": "https://graph.microsoft.com"})
    assert "no token of the managed identity for https://graph.microsoft.com" in text
    await runner.cleanup()
