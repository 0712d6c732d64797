"""localazure.toml: what it may say, and the errors that name file and key."""

import json

import pytest
from localazure.config import Companion, Container, SecretSource, load_config
from localazure.errors import ConfigError


@pytest.fixture
def app(tmp_path):
    (tmp_path / "host.json").write_text('{"version": "2.0"}')
    return tmp_path


def configure(app, text):
    (app / "localazure.toml").write_text(text)
    return load_config(app, environment={})


def test_app_without_the_file_has_the_defaults(app):
    config = load_config(app, environment={})

    assert (config.settings, config.companions, config.databases, config.audience) == ({}, (), (), None)
    assert config.default_ports["api"] == 7071


def test_folder_without_host_json_is_no_app(tmp_path):
    with pytest.raises(ConfigError, match="holds no host"):
        load_config(tmp_path, environment={})


def test_everything_is_read(app):
    (app / "containers.json").write_text(
        json.dumps(
            {
                "database": "shop",
                "containers": [
                    {"id": "orders", "partitionKey": ["/tenantId", "/orderId"], "defaultTtl": 60},
                    {"id": "users", "partitionKey": ["/tenantId"], "uniqueKeys": [["/email"]]},
                ],
            }
        )
    )
    config = configure(
        app,
        """
        [settings]
        AUTH_ISSUER = "{issuer.url}/{tid}/v2.0"
        LIMIT = 5
        ENABLED = true
        [auth]
        audience = "api://shop"
        [secrets]
        api-key = { random = "sk_" }
        fixed = "text"
        [cosmos]
        containers = "containers.json"
        [storage]
        queues = ["orders"]
        [[companion]]
        name = "payments"
        command = ["{python}", "-m", "payments", "{port}"]
        port = 8086
        env = { KEY = "{secrets.api-key}" }
        [[companion]]
        name = "mail"
        command = ["mail"]
        ports = { http = 8087, smtp = 8025 }
        [ready]
        command = ["welcome"]
        """,
    )

    assert config.settings == {"AUTH_ISSUER": "{issuer.url}/{tid}/v2.0", "LIMIT": "5", "ENABLED": "true"}
    assert config.audience == "api://shop"
    assert config.secrets == {"api-key": SecretSource(None, "sk_"), "fixed": SecretSource("text", "")}
    assert config.databases[0].containers == (
        Container("orders", ("/tenantId", "/orderId"), 60, (), None),
        Container("users", ("/tenantId",), None, (("/email",),), None),
    )
    assert config.companions[0] == Companion(
        "payments", ("{python}", "-m", "payments", "{port}"), {"payments": 8086}, {"KEY": "{secrets.api-key}"}
    )
    assert config.companions[1].ports == {"mail.http": 8087, "mail.smtp": 8025}
    assert config.default_ports["mail.smtp"] == 8025
    assert (config.queues, config.ready_command) == (("orders",), ("welcome",))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("colour = 1", r"localazure.toml: unknown key 'colour'"),
        ("[auth]\naudeince = 'x'", r"localazure.toml: auth: unknown key 'audeince'"),
        ("[auth]\naudience = 1", r"auth: audience must be a text"),
        ("[settings]\nX = ['a']", r"settings: X must be a text, a number or true or false"),
        ("[secrets]\nk = { randm = 'x' }", r"secrets: k: random is missing"),
        ("[storage]\nqueues = 'orders'", r"storage: queues must be a list of texts"),
        ("[cosmos]\ncontainers = 'no.json'", r"containers: no.json cannot be read"),
        ("[[companion]]\nname = 'a'", r"companion\]\] a: command is missing"),
        ("[[companion]]\ncommand = ['a']", r"companion\]\]: name is missing"),
        ("[[companion]]\nname = 'a'\ncommand = ['a']\nport = 70000", r"a: a port must be a number below 65536"),
        ("[[companion]]\nname = 'a'\ncommand = ['a']\nport = 1\nports = {b = 2}", r"a: has both port and ports"),
        ("[[companion]]\nname = 'cosmos'\ncommand = ['a']", r"cosmos: the name is taken"),
        ("[[companion]]\nname = 'a'\ncommand = ['a']\ncolour = 1", r"companion\]\] a: unknown key 'colour'"),
        ("auth = 1", r"localazure.toml: auth must be a table"),
        ("[auth", r"localazure.toml: "),
    ],
)
def test_mistakes_are_named(app, text, message):
    with pytest.raises(ConfigError, match=message):
        configure(app, text)


@pytest.mark.parametrize(
    ("container", "message"),
    [
        ({"id": "c"}, "container c: partitionKey must be"),
        ({"id": "c", "partitionKey": ["tenantId"]}, "container c: partitionKey must be"),
        ({"id": "c", "partitionKey": ["/a"], "ttl": 1}, "container c: unknown key 'ttl'"),
        ({"partitionKey": ["/a"]}, "containers: id is missing"),
    ],
)
def test_mistakes_in_containers_are_named(app, container, message):
    (app / "containers.json").write_text(json.dumps({"database": "shop", "containers": [container]}))

    with pytest.raises(ConfigError, match=message):
        configure(app, "[cosmos]\ncontainers = 'containers.json'")


def test_route_prefix_and_port_come_from_the_hosts_own_files(app):
    (app / "host.json").write_text('{"version": "2.0", "extensions": {"http": {"routePrefix": "shop/api"}}}')
    (app / "local.settings.json").write_text('{"IsEncrypted": false, "Host": {"LocalHttpPort": 7100}}')
    config = load_config(app, environment={})

    assert (config.route_prefix, config.api_port) == ("shop/api", 7100)
