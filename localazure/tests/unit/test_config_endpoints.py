"""Ports, URLs and placeholders."""

import socket

import pytest
from localazure.endpoints import (
    SERVICE_PORTS,
    choose_ports,
    companion_endpoints,
    expand,
    refuse_busy_ports,
    service_endpoints,
)
from localazure.errors import ConfigError


@pytest.fixture
def busy_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_ports_are_the_defaults_unless_chosen():
    assert choose_ports({"a": 1, "b": 2}, {"b": 3}, free=False) == {"a": 1, "b": 3}


def test_free_ports_are_distinct_and_leave_chosen_ones():
    ports = choose_ports({**SERVICE_PORTS, "chosen": 1}, {"chosen": 2}, free=True)

    assert ports["chosen"] == 2
    assert len(set(ports.values())) == len(ports)
    assert not set(ports.values()) & set(SERVICE_PORTS.values())


def test_zero_chooses_a_free_port_for_one_part():
    ports = choose_ports({"a": 1, "b": 2}, {"a": 0}, free=False)

    assert ports["a"] > 1024
    assert ports["b"] == 2


def test_unknown_port_name_is_refused_with_the_known_ones():
    with pytest.raises(ConfigError, match=r"--port cosmso=1: no such port; there are api, cosmos"):
        choose_ports({"cosmos": 8081, "api": 7071}, {"cosmso": 1}, free=False)


def test_each_busy_port_has_a_line_with_its_owner_and_option(busy_port):
    with pytest.raises(ConfigError) as caught:
        refuse_busy_ports({"cosmos": busy_port, "mail.smtp": busy_port})

    lines = str(caught.value).splitlines()
    assert lines[0] == (
        f"Port {busy_port} is taken: cosmos needs it; choose another with --port cosmos=PORT (0: any free port)."
    )
    assert "--port mail.smtp=PORT" in lines[1]


def test_port_asked_for_twice_is_refused():
    free = choose_ports({"a": 0}, {}, free=True)["a"]

    with pytest.raises(ConfigError, match="wanted by both cosmos and issuer"):
        refuse_busy_ports({"cosmos": free, "issuer": free})


def test_api_url_has_the_route_prefix_of_host_json():
    assert service_endpoints(SERVICE_PORTS, "api")["api"] == "http://127.0.0.1:7071/api"
    assert service_endpoints(SERVICE_PORTS, "")["api"] == "http://127.0.0.1:7071"


def test_companion_tells_its_url_and_other_addresses():
    facts = {"pid": 7, "url": "http://127.0.0.1:8087", "smtp": "smtp://127.0.0.1:8025", "note": "text"}

    assert companion_endpoints("mail", facts) == {"mail": "http://127.0.0.1:8087", "smtp": "smtp://127.0.0.1:8025"}


def test_placeholder_is_replaced_by_its_value():
    assert expand("{python} {a.b}/x", {"python": "py", "a.b": "1"}, where="w") == "py 1/x"


def test_unknown_name_without_a_dot_stays():
    assert expand("{a.b}/{tid}/v2.0", {"a.b": "1"}, where="w") == "1/{tid}/v2.0"


def test_unknown_name_with_a_dot_is_an_error_that_tells_the_known_ones():
    with pytest.raises(ConfigError, match=r"file: key: \{cosmso.url\} is not known here; known are cosmos.url"):
        expand("{cosmso.url}", {"cosmos.url": "x"}, where="file: key")
