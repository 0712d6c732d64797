"""How clients find the account and prove who they are."""

from __future__ import annotations

import json
import logging
import select
import socket
import socketserver
import threading
import time
from contextlib import closing
from urllib.parse import urlsplit

import jwt
import pytest
from azure.core.credentials import AccessToken
from azure.core.exceptions import ServiceRequestError
from azure.cosmos import CosmosClient, PartitionKey
from azure.cosmos.aio import CosmosClient as AioClient
from azure.cosmos.exceptions import CosmosHttpResponseError
from cryptography.hazmat.primitives.asymmetric import rsa
from localazure.cosmos.options import EMULATOR_KEY


class Tokens:
    """A credential that hands out one token and remembers for which scopes."""

    def __init__(self, token="a-token"):
        self.token = token
        self.scopes = []

    def get_token(self, *scopes, **_options):
        self.scopes.append(scopes)
        return AccessToken(self.token, int(time.time()) + 3600)


class AioTokens(Tokens):
    async def get_token(self, *scopes, **options):
        return super().get_token(*scopes, **options)

    async def close(self):
        pass

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_error):
        pass


def test_c001_a_client_connects_with_the_account_key(server, connect):
    connect(server)
    first = server.admin.requests()[0]
    assert (first["method"], first["path"], first["status"]) == ("GET", "/", 200)


def test_c002_localhost_without_a_trailing_slash_works_for_every_later_call(server, connect):
    client = connect(server.url.replace("127.0.0.1", "localhost"))
    assert client.get_database_account().WritableLocations[0]["databaseAccountEndpoint"].startswith("http://localhost:")
    container = client.create_database("shop").create_container("orders", PartitionKey("/pk"))
    container.create_item({"id": "1", "pk": "a"})
    assert container.read_item("1", "a")["id"] == "1"


def test_c003_a_wrong_key_is_refused_with_the_text_that_the_server_signed(server):
    with pytest.raises(CosmosHttpResponseError, match=r"get\\\\n\\\\n") as refusal:
        CosmosClient(server.url, "d3Jvbmc=")
    assert refusal.value.status_code == 401
    assert [(one["path"], one["status"]) for one in server.admin.requests()] == [("/", 401)] * 4


def test_c004_a_connection_string_works(server):
    text = f"AccountEndpoint={server.url}/;AccountKey={EMULATOR_KEY};"
    with CosmosClient.from_connection_string(text) as client:
        assert list(client.list_databases()) == []


def test_c005_the_account_document_names_consistency_and_locations(server, client):
    account = client.get_database_account()
    assert account.ConsistencyPolicy["defaultConsistencyLevel"] == "Session"
    for locations in (account.WritableLocations, account.ReadableLocations):
        assert [one["databaseAccountEndpoint"] for one in locations] == [f"{server.url}/"]


@pytest.mark.parametrize("name", ["a b", "é", "100%", "a+b", "a&b", "it's", 'say "x"', "%2F"])
def test_c006_odd_names_round_trip_and_their_signatures_hold(client, name):
    container = client.create_database(f"db {name}").create_container(f"c {name}", PartitionKey("/pk"))
    container.create_item({"id": f"i {name}", "pk": "a"})
    assert container.read_item(f"i {name}", "a")["id"] == f"i {name}"
    assert [item["id"] for item in container.query_items("SELECT * FROM c", partition_key="a")] == [f"i {name}"]
    assert container.read()["id"] == f"c {name}"
    assert client.get_database_client(f"db {name}").read()["id"] == f"db {name}"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_c008_tls_works_with_a_self_made_certificate_and_no_client_option(start_server, certificate, connect, host):
    server = start_server(tls=certificate)
    client = connect(server.url.replace("127.0.0.1", host))
    assert client.create_database("shop").read()["id"] == "shop"


def test_c008_a_server_that_is_given_no_certificate_makes_one(start_process, connect):
    client = connect(start_process("--tls"))
    assert client.create_database("shop").read()["id"] == "shop"


def test_c009_the_synchronous_client_takes_a_token_credential_over_tls(start_server, certificate):
    credential = Tokens()
    with CosmosClient(start_server(tls=certificate).url, credential) as client:
        assert client.create_database("shop").read()["id"] == "shop"
    assert credential.scopes[0] == ("https://127.0.0.1/.default",)


async def test_c009_a_token_credential_is_accepted_over_tls(start_server, certificate):
    credential = AioTokens()
    async with AioClient(start_server(tls=certificate).url, credential) as client:
        database = await client.create_database("shop")
        container = await database.create_container("orders", PartitionKey("/pk"))
        await container.upsert_item({"id": "1", "pk": "a"})
        assert (await container.read_item("1", "a"))["pk"] == "a"
        found = [item["id"] async for item in container.query_items("SELECT * FROM c")]
    assert found == ["1"]
    assert credential.scopes[0] == ("https://127.0.0.1/.default",)


def test_c009_a_token_over_plain_http_is_refused_by_the_client(server):
    with pytest.raises(ServiceRequestError):
        CosmosClient(server.url, Tokens())
    assert server.admin.requests() == []


def test_c012_requests_go_to_the_advertised_endpoint(start_server, connect):
    there = start_server()
    here = start_server(advertise=there.url)
    connect(here).create_database("shop")
    assert here.admin.requests(ending="/dbs") == []
    assert len(there.admin.requests(method="POST", ending="/dbs")) == 1
    connect(here, enable_endpoint_discovery=False).create_database("stays")
    assert len(here.admin.requests(method="POST", ending="/dbs")) == 1


def test_c013_discovery_survives_two_failures(server, connect):
    server.admin.fault({"status": 500}, match={"path": "^/$"}, times=2)
    client = connect(server)
    assert [one["status"] for one in server.admin.requests(ending="")[:3]] == [500, 500, 200]
    assert client.create_database("shop").read()["id"] == "shop"


def test_c013_discovery_gives_up_after_four_refusals(server, status_of):
    server.admin.fault({"status": 403}, match={"path": "^/$"})
    assert status_of(CosmosClient, server.url, EMULATOR_KEY)[0] == 403
    assert len(server.admin.requests()) == 4


def test_c013_without_a_listener_a_client_fails_at_once():
    with closing(socket.socket()) as unused:
        unused.bind(("127.0.0.1", 0))
        with pytest.raises(ServiceRequestError):
            CosmosClient(f"http://127.0.0.1:{unused.getsockname()[1]}", EMULATOR_KEY)


def test_c017_diagnostics_log_the_status_of_a_failed_read(server, container, connect, caplog):
    logger = logging.getLogger("test of diagnostics")
    client = connect(server, logger=logger, enable_diagnostics_logging=True)
    with caplog.at_level(logging.INFO, logger=logger.name), pytest.raises(CosmosHttpResponseError):
        client.get_database_client("shop").get_container_client("orders").read_item("none", "a")
    assert "Response status: 404" in caplog.text


def test_c018_options_that_mean_nothing_here_are_ignored(container):
    container.create_item({"id": "1", "pk": "a"})
    for option in (
        {"priority": "Low"},
        {"throughput_bucket": 1},
        {"initial_headers": {"x-mine": "1"}},
        {"session_token": "0:-1#1"},
        {"max_integrated_cache_staleness_in_ms": 30000},
        {"availability_strategy": {"threshold_ms": 500, "threshold_steps_ms": 100}},
        {"excluded_locations": ["West US"]},
    ):
        assert container.read_item("1", "a", **option)["id"] == "1", option


def test_c019_unknown_preferred_locations_only_lead_to_a_warning(server, connect, caplog):
    with caplog.at_level(logging.WARNING):
        client = connect(server, preferred_locations=["Nowhere", "Elsewhere"])
    assert client.create_database("shop").read()["id"] == "shop"
    assert "Nowhere" in caplog.text


class PortMapping(socketserver.ThreadingTCPServer):
    """A port that leads to another one, as the port of a container does."""

    daemon_threads = True

    def __init__(self, url):
        self.target = urlsplit(url).hostname, urlsplit(url).port
        super().__init__(("127.0.0.1", 0), PortMapping.Connection)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    class Connection(socketserver.BaseRequestHandler):
        def handle(self):
            with socket.create_connection(self.server.target) as upstream:
                pairs = {self.request: upstream, upstream: self.request}
                while True:
                    for ready in select.select(list(pairs), [], [])[0]:
                        if not (data := ready.recv(65536)):
                            return
                        pairs[ready].sendall(data)


def test_c021_every_call_works_through_a_mapped_port(server, connect, wire):
    with PortMapping(server.url) as mapping:
        outside = f"http://127.0.0.1:{mapping.server_address[1]}"
        client = connect(outside, transport=wire)
        assert client.get_database_account().WritableLocations[0]["databaseAccountEndpoint"] == f"{outside}/"
        container = client.create_database("shop").create_container("orders", PartitionKey("/pk"))
        container.create_item({"id": "1", "pk": "a"})
        assert [item["id"] for item in container.query_items("SELECT * FROM c", partition_key="a")] == ["1"]
        assert {f"http://{one.headers.get('host', outside[7:])}" for one in wire.sent} == {outside}
        mapping.shutdown()


async def test_c020_tokens_are_verified_against_a_key_set(start_server, certificate, tmp_path):
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key()))
    (tmp_path / "jwks.json").write_text(json.dumps({"keys": [{**public, "kid": "k1", "use": "sig", "alg": "RS256"}]}))
    server = start_server(tls=certificate, aad_jwks=tmp_path / "jwks.json")

    def token(lifetime_s, audience="https://127.0.0.1"):
        claims = {"aud": audience, "exp": int(time.time()) + lifetime_s}
        return AioTokens(jwt.encode(claims, key, algorithm="RS256", headers={"kid": "k1"}))

    async with AioClient(server.url, token(3600)) as client:
        await client.create_database("shop")
    for refused, reason in ((token(-3600), "expired"), (token(3600, "https://other"), "is for .https://other")):
        client = AioClient(server.url, refused)
        with pytest.raises(CosmosHttpResponseError, match=f"(?i){reason}") as refusal:
            await client.__aenter__()
        await client.close()
        assert refusal.value.status_code == 401


def test_c022_a_resource_token_is_refused(server, status_of):
    assert status_of(CosmosClient, server.url, {"dbs/shop": "type=resource&ver=1&sig=abc"})[0] == 401


def test_without_authentication_any_key_will_do(start_server):
    with CosmosClient(start_server(authenticate=False).url, "d3Jvbmc=") as client:
        assert client.create_database("shop").read()["id"] == "shop"


def test_the_server_describes_itself(server):
    facts = server.admin.call("GET", "info")
    assert facts["authenticate"] is True
    assert "estimate" in facts["requestCharges"]


def test_reset_empties_the_account(server, client, database):
    server.admin.call("POST", "reset")
    assert list(client.list_databases()) == []
