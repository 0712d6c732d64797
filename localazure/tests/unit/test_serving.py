"""How every server of localazure listens."""

from __future__ import annotations

import socket

import pytest
from aiohttp import web
from localazure.errors import PortTakenError
from localazure.serving import listen


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
