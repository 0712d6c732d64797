"""How a server ends and comes back: killed children, Ctrl-C, kill -9, starts that fail, reset."""

import os
import signal
import socket
import subprocess
import time

import pytest
import requests
from localazure.endpoints import SERVICE_PORTS, choose_ports


def eventually(probe, within_s=15):
    deadline = time.monotonic() + within_s
    while not (answer := probe()):
        assert time.monotonic() < deadline, "it did not come true"
        time.sleep(0.02)
    return answer


def answers(url):
    try:
        return requests.get(url, timeout=5).ok
    except requests.ConnectionError:
        return False


@pytest.mark.parametrize("name", ["shop", "services", "cosmos", "azurite"])
def test_killed_child_comes_back_on_the_same_port(server, name):
    first = server.pids[name]
    os.kill(first, signal.SIGKILL)
    eventually(lambda: server.pids.get(name) not in (None, first))
    address = {"services": "identity", "azurite": "blob"}.get(name, name)
    port = int(server.endpoints[address].split(":")[2].split("/")[0])

    eventually(lambda: socket.socket().connect_ex(("127.0.0.1", port)) == 0)


def test_ctrl_c_stops_everything_and_state_is_kept(make_app, started, command):
    app = make_app()
    with started(app) as server:
        first = (server.state / "host.env").read_text()
        pids = server.pids
        server.process.send_signal(signal.SIGINT)
        assert server.process.wait(timeout=30) == 0
        assert not (server.state / "pids.json").exists()
        assert not any(is_running(pid) for name, pid in pids.items() if name != "server")
    with started(app) as server:
        second = (server.state / "host.env").read_text()
        assert command(app, "stop").returncode == 0
        assert server.process.wait(timeout=30) == 0

    assert setting(first, "SHOP_KEY") == setting(second, "SHOP_KEY")
    assert setting(first, "IDENTITY_HEADER") == setting(second, "IDENTITY_HEADER")


def setting(env_file, name):
    return next(line for line in env_file.splitlines() if line.startswith(name))


def is_running(pid):
    """Not a zombie either: in a container nobody may collect those."""
    shown = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return bool(shown.stdout.strip()) and not shown.stdout.startswith("Z")


def test_killed_server_takes_its_children_along_so_that_a_new_start_works_at_once(make_app, started, command):
    app = make_app()
    ports = choose_ports({**SERVICE_PORTS, "shop": 0}, {}, free=True)
    fixed = [word for name, port in ports.items() for word in ("--port", f"{name}={port}")]
    with started(app, *fixed) as server:
        pids = server.pids
        server.process.kill()
        server.process.wait()
        assert not command(app, "status").stdout
        with started(app, *fixed) as again:
            assert not any(is_running(pid) for pid in pids.values())
            assert answers(again.endpoints["shop"])


def test_busy_port_is_told_before_anything_starts(make_app, command):
    app = make_app()
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = busy.getsockname()[1]
        refused = command(app, "start", "--free-ports", "--port", f"cosmos={port}")

    assert refused.returncode == 1
    assert f"Port {port} is taken: cosmos needs it; choose another with --port cosmos=PORT" in refused.stderr
    assert not (app / ".localazure/logs").exists()


def test_companion_that_cannot_start_fails_the_start_with_its_own_words(make_app, command):
    app = make_app()
    (app / "shop.py").write_text("raise SystemExit('the shop is closed')")
    failed = command(app, "start", "--free-ports", "--services-only")

    assert failed.returncode == 1
    assert "shop did not start: it ended with exit code 1." in failed.stderr
    assert "the shop is closed" in failed.stderr
    assert "Traceback" not in failed.stderr


def test_reset_deletes_the_state_and_nothing_else(make_app, started, command):
    app = make_app()
    with started(app) as server:
        server.process.terminate()
        assert server.process.wait(timeout=30) == 0

    assert command(app, "reset").returncode == 0
    assert not (app / ".localazure").exists()
    assert (app / "host.json").exists()


def test_reset_leaves_a_folder_that_is_not_its_own(make_app, command):
    app = make_app()
    refused = command(app, "reset", "--state", str(app))

    assert refused.returncode == 1
    assert (app / "host.json").exists()


def test_commands_that_need_a_running_server_say_so(make_app, command):
    app = make_app()

    assert "use `localazure start`" in command(app, "token", "--tenant", "a", "--subject", "b").stderr
    assert "No server uses" in command(app, "stop").stderr
    assert "Nothing runs" in command(app, "status").stderr


def test_app_folder_without_host_json_is_named(command, tmp_path):
    refused = command(tmp_path, "start")

    assert (refused.returncode, f"{tmp_path} holds no host.json" in refused.stderr) == (1, True)
