"""How every server of localazure listens."""

from __future__ import annotations

import asyncio
import gc
import socket
import ssl
import warnings
from datetime import UTC, datetime

import pytest
from aiohttp import web
from localazure.errors import PortTakenError
from localazure.serving import close, listen
from localazure.tls import ensure_tls


@pytest.fixture
async def runner():
    runner = web.AppRunner(web.Application())
    await runner.setup()
    yield runner
    await runner.cleanup()


async def test_port_0_becomes_a_real_port(runner):
    assert await listen(runner, "127.0.0.1", 0, option="--port") > 0


async def test_a_taken_port_is_named_with_its_option(runner):
    with socket.create_server(("127.0.0.1", 0)) as owner:
        port = owner.getsockname()[1]
        with pytest.raises(PortTakenError, match=f"^Port {port} is taken; choose another with --rpc-port.$"):
            await listen(runner, "127.0.0.1", port, option="--rpc-port")


async def test_connection_accepted_in_the_moment_of_the_stop_is_closed_properly(runner):
    port = await listen(runner, "127.0.0.1", 0, option="--port")
    told = asyncio.Event()

    async def stop_when_told():
        await told.wait()
        await runner.cleanup()

    stopping = asyncio.create_task(stop_when_told())
    await asyncio.sleep(0)
    with warnings.catch_warnings(record=True) as caught, socket.create_connection(("127.0.0.1", port)):
        warnings.simplefilter("always")
        asyncio.get_running_loop().call_soon(told.set)  # runs in the same turn of the loop as the accept, before it
        await stopping
        gc.collect()

    assert [str(warning.message) for warning in caught if "unclosed transport" in str(warning.message)] == []


@pytest.mark.parametrize("wish", ["keep-alive", "close"])
def test_tls_connections_of_silent_clients_end_with_the_server(wish, tmp_path):
    files = ensure_tls(tmp_path, now=datetime.now(UTC))
    trust = ssl.create_default_context(cafile=files.ca)
    request = f"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: {wish}\r\n\r\n".encode()

    def ask(port):
        client = trust.wrap_socket(socket.create_connection(("127.0.0.1", port)), server_hostname="localhost")
        client.sendall(request)
        assert client.recv(12) == b"HTTP/1.1 404"
        return client

    async def serve():
        runner = web.AppRunner(web.Application())
        await runner.setup()
        port = await listen(runner, "127.0.0.1", 0, option="--port", tls=files.server_context())
        clients = [await asyncio.to_thread(ask, port) for _ in range(2)]
        await close(runner)
        return clients

    gc.collect()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        clients = asyncio.run(serve())
        gc.collect()
    for client in clients:
        client.close()

    assert [str(warning.message) for warning in caught if "unclosed transport" in str(warning.message)] == []
