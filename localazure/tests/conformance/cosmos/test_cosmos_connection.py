"""How clients find the account and prove who they are."""

from __future__ import annotations

import json
import time

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
    container = client.create_database("shop").create_container("orders", PartitionKey("/pk"))
    container.create_item({"id": "1", "pk": "a"})
    assert container.read_item("1", "a")["id"] == "1"


def test_c003_a_wrong_key_is_refused_with_the_text_that_the_server_signed(server):
    with pytest.raises(CosmosHttpResponseError, match=r"get\\\\n\\\\n") as refusal:
        CosmosClient(server.url, "d3Jvbmc=")
    assert refusal.value.status_code == 401


def test_c004_a_connection_string_works(server):
    text = f"AccountEndpoint={server.url}/;AccountKey={EMULATOR_KEY};"
    with CosmosClient.from_connection_string(text) as client:
        assert list(client.list_databases()) == []


def test_c005_the_account_document_names_consistency_and_locations(server, client):
    account = client.get_database_account()
    assert account.ConsistencyPolicy["defaultConsistencyLevel"] == "Session"
    assert [one["databaseAccountEndpoint"] for one in account.WritableLocations] == [f"{server.url}/"]


@pytest.mark.parametrize("name", ["a b", "é", "100%", "a+b", "a&b", "it's", 'say "x"', "%2F"])
def test_c006_odd_names_round_trip_and_their_signatures_hold(client, name):
    container = client.create_database(f"db {name}").create_container(f"c {name}", PartitionKey("/pk"))
    container.create_item({"id": f"i {name}", "pk": "a"})
    assert container.read_item(f"i {name}", "a")["id"] == f"i {name}"
    assert container.read()["id"] == f"c {name}"


def test_c007_a_client_at_eventual_level_reads_no_ranges_for_point_operations(server, connect):
    container = (
        connect(server, consistency_level="Eventual")
        .create_database("shop")
        .create_container("orders", PartitionKey("/pk"))
    )
    container.create_item({"id": "1", "pk": "a"})
    container.read_item("1", "a")
    assert server.admin.requests(ending="/pkranges") == []


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_c008_tls_works_with_a_self_made_certificate_and_no_client_option(start_server, certificate, connect, host):
    server = start_server(tls=certificate)
    client = connect(server.url.replace("127.0.0.1", host))
    assert client.create_database("shop").read()["id"] == "shop"


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


@pytest.mark.parametrize("level", ["Eventual", "ConsistentPrefix", "BoundedStaleness", "Strong", "Session"])
def test_c010_every_account_consistency_works_and_only_session_reads_ranges(start_server, connect, level):
    server = start_server(consistency=level)
    container = connect(server).create_database("shop").create_container("orders", PartitionKey("/pk"))
    container.create_item({"id": "1", "pk": "a"})
    container.read_item("1", "a")
    assert bool(server.admin.requests(ending="/pkranges")) == (level == "Session")
    container.execute_item_batch([("create", ({"id": "2", "pk": "a"},))], "a")
    assert len(list(container.query_items("SELECT * FROM c", partition_key="a"))) == 2
    assert len(list(container.query_items_change_feed(start_time="Beginning"))) == 2


def test_c011_a_client_may_ask_for_more_consistency_than_the_account(server, connect):
    assert connect(server, consistency_level="Strong").create_database("shop").read()["id"] == "shop"


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
    assert connect(server).create_database("shop").read()["id"] == "shop"


def test_c014_the_first_read_after_a_write_reads_the_ranges_twice(server, container):
    container.create_item({"id": "1", "pk": "a"})
    before = len(server.admin.requests(ending="/pkranges"))
    container.read_item("1", "a")
    assert [one["status"] for one in server.admin.requests(ending="/pkranges")[before:]] == [200, 304]


def test_c015_many_calls_read_the_ranges_once(server, container):
    for _ in range(10):
        container.upsert_item({"id": "1", "pk": "a"})
        container.read_item("1", "a")
    assert len(server.admin.requests(ending="/pkranges")) == 2


def test_c018_options_that_mean_nothing_here_are_ignored(container):
    container.create_item({"id": "1", "pk": "a"})
    read = container.read_item(
        "1", "a", priority="Low", throughput_bucket=1, max_integrated_cache_staleness_in_ms=30000
    )
    assert read["id"] == "1"


async def test_c020_tokens_are_verified_against_a_key_set(start_server, certificate, tmp_path):
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key()))
    (tmp_path / "jwks.json").write_text(json.dumps({"keys": [{**public, "kid": "k1", "use": "sig", "alg": "RS256"}]}))
    server = start_server(tls=certificate, aad_jwks=tmp_path / "jwks.json")

    def token(lifetime_s):
        claims = {"aud": "https://127.0.0.1", "exp": int(time.time()) + lifetime_s}
        return AioTokens(jwt.encode(claims, key, algorithm="RS256", headers={"kid": "k1"}))

    async with AioClient(server.url, token(3600)) as client:
        await client.create_database("shop")
    late = AioClient(server.url, token(-3600))
    with pytest.raises(CosmosHttpResponseError, match="expired") as refusal:
        await late.__aenter__()
    await late.close()
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
