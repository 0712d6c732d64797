"""HTTP requests that the hub makes for orchestrators."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web


@pytest.fixture
async def service() -> AsyncIterator[str]:
    """The address of a service that echoes requests, with the status in the path."""

    async def echo(request: web.Request) -> web.Response:
        text = f"{request.method} {request.content_type} {await request.text()}"
        return web.Response(status=int(request.match_info["status"]), text=text, headers={"X-Mark": "1"})

    app = web.Application()
    app.router.add_route("*", "/{status}", echo)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


@pytest.fixture
def caller(rig: Any) -> Any:
    @rig.functions.orchestrator
    def calls(context: Any) -> Any:
        wanted = context.get_input()
        try:
            return (yield context.call_http(wanted["method"], wanted["uri"], wanted.get("content")))
        except Exception as caught:  # noqa: BLE001  # the SDK raises nothing narrower
            return str(caught)

    return rig


@pytest.mark.parametrize("status", [200, 404, 202])
async def test_d064_d065_every_answer_is_a_result(caller: Any, service: str, status: int) -> None:
    result = await caller.output("calls", {"method": "GET", "uri": f"{service}/{status}"})
    assert result["statusCode"] == status
    assert result["headers"]["X-Mark"] == "1"
    assert result["content"].startswith("GET ")


async def test_d064_content_is_sent_as_text(caller: Any, service: str) -> None:
    result = await caller.output("calls", {"method": "POST", "uri": f"{service}/201", "content": {"a": 1}})
    assert result["content"] == 'POST text/plain {"a": 1}'


async def test_d064_a_refused_connection_is_an_exception(caller: Any) -> None:
    text = await caller.output("calls", {"method": "GET", "uri": "http://127.0.0.1:1/"})
    assert text.startswith("Activity function 'BuiltIn::HttpActivity' failed:  ClientConnectorError: ")
