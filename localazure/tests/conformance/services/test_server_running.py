"""What a running server tells and does: endpoints, processes, provisioning, tokens, status."""

import time
from pathlib import Path

import jwt
import pytest
import requests
from azure.core.credentials import AccessToken
from azure.core.exceptions import HttpResponseError
from azure.cosmos.aio import CosmosClient
from azure.identity.aio import ManagedIdentityCredential
from azure.storage.queue import QueueServiceClient
from localazure.keys import SigningKey


def test_endpoints_tell_every_url_but_not_of_a_host_that_does_not_run(server):
    expected = {"cosmos", "keyvault", "identity", "issuer", "blob", "queue", "table", "shop", "smtp"}

    assert set(server.endpoints) == expected
    assert requests.get(server.endpoints["shop"], timeout=5).ok


def test_pids_tell_every_process(server):
    assert set(server.pids) == {"server", "azurite", "cosmos", "services", "shop"}
    assert server.pids["server"] == server.process.pid


def test_settings_file_is_made_from_the_sample_and_said_so(server):
    assert (server.app / "local.settings.json").exists()
    assert "Made local.settings.json from local.settings.sample.json." in server.output


def test_host_environment_for_another_host_can_be_sourced(server):
    environment = server.host_environment

    assert environment["AUTH_ISSUER"] == server.endpoints["issuer"] + "/{tid}/v2.0"
    assert environment["SHOP_URL"] == server.endpoints["shop"] == f"http://127.0.0.1:{environment['SHOP_PORT']}"
    assert environment["SHOP_KEY"].startswith("key_")
    assert environment["IDENTITY_ENDPOINT"] == server.endpoints["identity"]
    assert Path(environment["SSL_CERT_FILE"]).samefile(server.state / "tls/bundle.pem")


async def test_databases_and_containers_are_found_with_the_managed_identity(server, monkeypatch):
    for name, value in server.host_environment.items():
        monkeypatch.setenv(name, value)
    async with (
        ManagedIdentityCredential() as credential,
        CosmosClient(server.endpoints["cosmos"], credential) as client,
    ):
        database = client.get_database_client("shop")
        orders = await database.get_container_client("orders").read()
        users = await database.get_container_client("users").read()

    assert orders["partitionKey"]["paths"] == ["/tenantId", "/orderId"]
    assert orders["defaultTtl"] == 60
    assert users["uniqueKeyPolicy"]["uniqueKeys"] == [{"paths": ["/email"]}]


async def test_cosmos_refuses_a_token_that_the_identity_endpoint_did_not_sign(server, tmp_path):
    claims = {"aud": "https://127.0.0.1", "exp": int(time.time()) + 600}
    forged = SigningKey.load(tmp_path, "stranger").sign(claims)

    class Forged:
        async def get_token(self, *_scopes, **_options):
            return AccessToken(forged, claims["exp"])

        async def close(self):
            pass

    client = CosmosClient(server.endpoints["cosmos"], Forged())
    with pytest.raises(HttpResponseError) as caught:
        await client.get_database_client("shop").read()
    await client.close()
    assert caught.value.status_code == 401


def test_queues_are_made(server):
    with QueueServiceClient.from_connection_string(server.host_environment["AzureWebJobsStorage"]) as client:
        assert [queue.name for queue in client.list_queues()] == ["orders"]


def test_token_command_prints_a_token_that_the_issuers_keys_verify(server, command):
    printed = command(
        server.app, "token", "--tenant", "demo", "--role", "operator", "--role", "customer", "--subject", "u-1"
    )
    issuer = server.endpoints["issuer"]
    keys = requests.get(f"{issuer}/demo/discovery/v2.0/keys", verify=server.state / "tls/bundle.pem", timeout=10).json()
    key = jwt.PyJWKSet.from_dict(keys).keys[0].key
    claims = jwt.decode(
        printed.stdout.strip(), key, algorithms=["RS256"], audience="api://shop", issuer=f"{issuer}/demo/v2.0"
    )

    assert (claims["sub"], claims["tid"], claims["roles"]) == ("u-1", "demo", ["operator", "customer"])


def test_token_command_can_make_an_expired_token_for_another_audience(server, command):
    arguments = ["--tenant", "demo", "--subject", "u-1", "--lifetime", "-3600", "--audience", "api://other"]
    printed = command(server.app, "token", *arguments).stdout.strip()
    claims = jwt.decode(printed, options={"verify_signature": False})

    assert claims["aud"] == "api://other"
    assert claims["iat"] < claims["exp"] <= time.time() - 3600


def test_status_shows_processes_and_addresses(server, command):
    shown = command(server.app, "status")

    assert shown.returncode == 0
    assert f"pid {server.pids['cosmos']}" in shown.stdout
    assert server.endpoints["cosmos"] in shown.stdout


def test_second_server_on_the_same_state_is_refused_by_name(server, command):
    refused = command(server.app, "start", "--free-ports")

    assert refused.returncode == 1
    assert f"Another localazure server (pid {server.process.pid}) uses {server.state}" in refused.stderr


def test_reset_is_refused_while_the_server_runs(server, command):
    refused = command(server.app, "reset")

    assert refused.returncode == 1
    assert "Another localazure server" in refused.stderr
    assert (server.state / "keyvault.sqlite").exists()
