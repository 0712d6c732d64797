"""local.settings.json, host.json with overrides, `%NAME%`, connections."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from azure.identity.aio import ClientSecretCredential, ManagedIdentityCredential
from localazure.errors import ConfigError
from localazure.host.errors import IndexingError
from localazure.host.host_json import Section, load_host_json
from localazure.host.http.gateway import HttpOptions
from localazure.host.http.keys import Keys
from localazure.host.settings import Connection, Settings, load_local_settings, set_host_defaults
from localazure.host.storage import StorageClients, identity_credential
from localazure.host.timer_trigger import time_zone
from localazure.host.timespans import format_timespan, parse_timespan


class _Environment(dict[str, str]):
    """Refuses what the operating system would."""

    def __setitem__(self, name: str, value: str) -> None:
        if "=" in name:
            raise ValueError("illegal environment variable name")
        super().__setitem__(name, value)


_ENVIRONMENT = _Environment()


def _local_settings(folder: Path, content: dict[str, Any]) -> Path:
    (folder / "local.settings.json").write_text(json.dumps(content))
    return folder


def _host_json(folder: Path, text: str) -> Path:
    path = folder / "host.json"
    path.write_text(text)
    return path


class TestLocalSettings:
    def test_h017_existing_variable_wins_unless_it_is_empty(self, tmp_path: Path) -> None:
        values = {"A": "file", "B": "file", "C": "file", "EMPTY": "", "NONE": None, "NUMBER": 5, "TRUE": True}
        environment = {"A": "environment", "B": ""}
        load_local_settings(_local_settings(tmp_path, {"IsEncrypted": False, "Values": values}), environment)
        assert environment == {
            "A": "environment",
            "B": "file",
            "C": "file",
            "EMPTY": "",
            "NUMBER": "5",
            "TRUE": "true",
        }

    def test_missing_file_changes_nothing(self, tmp_path: Path) -> None:
        environment: dict[str, str] = {}
        assert load_local_settings(tmp_path, environment).port is None
        assert environment == {}

    def test_connection_strings_are_found_by_their_name(self, tmp_path: Path) -> None:
        strings = {"Sql": {"ConnectionString": "one", "ProviderName": "x"}, "Other": "two"}
        environment: dict[str, str] = {}
        load_local_settings(
            _local_settings(tmp_path, {"IsEncrypted": False, "ConnectionStrings": strings}), environment
        )
        assert Settings(environment).connection("Sql").connection_string == "one"
        assert Settings(environment).connection("Other").connection_string == "two"

    def test_host_section_gives_port_and_origins(self, tmp_path: Path) -> None:
        host = {"LocalHttpPort": 7099, "CORS": "https://a.example, https://b.example", "CORSCredentials": True}
        found = load_local_settings(_local_settings(tmp_path, {"IsEncrypted": False, "Host": host}), {})
        assert (found.port, found.cors_origins, found.cors_credentials) == (
            7099,
            ("https://a.example", "https://b.example"),
            True,
        )

    @pytest.mark.parametrize(
        ("content", "problem"),
        [
            ({"IsEncrypted": True}, "the settings are encrypted"),
            ({"IsEncrypted": False, "Values": {"A": {"b": 1}}}, "Values.A must be a single value"),
            ({"IsEncrypted": False, "Host": {"CORS": "*", "CORSCredentials": True}}, "cannot be used with the origin"),
            ({"IsEncrypted": False, "Host": {"LocalHttpPort": 70_000}}, "Host.LocalHttpPort: 70000 is not a port"),
            ({"IsEncrypted": False, "Host": "localhost"}, "Host: 'localhost' is not an object"),
            ({"IsEncrypted": False, "Values": ["A"]}, r"Values: \['A'\] is not an object"),
            ({"IsEncrypted": False, "Values": {"A=B": "1"}}, "'A=B' cannot be an environment variable"),
        ],
    )
    def test_unusable_file_is_refused_by_name_and_key(self, tmp_path: Path, content, problem) -> None:
        with pytest.raises(ConfigError, match=rf"local\.settings\.json.*{problem}"):
            load_local_settings(_local_settings(tmp_path, content), _ENVIRONMENT)

    def test_comments_are_accepted(self, tmp_path: Path) -> None:
        text = '{ // for tests\n "IsEncrypted": false, "Values": {"URL": "http://a" /* none */} }'
        (tmp_path / "local.settings.json").write_text(text)
        environment: dict[str, str] = {}
        load_local_settings(tmp_path, environment)
        assert environment == {"URL": "http://a"}

    def test_error_behind_a_comment_is_told_with_its_place(self, tmp_path: Path) -> None:
        (tmp_path / "local.settings.json").write_text('{ /* two\n lines */ "IsEncrypted": nope }')
        with pytest.raises(ConfigError, match=r"local\.settings\.json is not valid JSON: .*line 2 column 26"):
            load_local_settings(tmp_path, {})

    def test_file_in_another_encoding_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "local.settings.json").write_text("{}", "utf-16")
        with pytest.raises(ConfigError, match=r"local\.settings\.json is not valid JSON: 'utf-8' codec"):
            load_local_settings(tmp_path, {})

    @pytest.mark.parametrize(("value", "allowed"), [("false", False), ("True", True), (True, True), (None, False)])
    def test_credentials_may_be_text(self, tmp_path: Path, value, allowed) -> None:
        content = {"IsEncrypted": False, "Host": {"CORSCredentials": value}}
        assert load_local_settings(_local_settings(tmp_path, content), {}).cors_credentials is allowed

    def test_tool_sets_what_the_original_tool_sets(self, tmp_path: Path) -> None:
        environment = {"AZURE_FUNCTIONS_ENVIRONMENT": "Production", "WEBSITE_HOSTNAME": "mine"}
        set_host_defaults(tmp_path, environment, 7071)
        assert environment == {
            "AZURE_FUNCTIONS_ENVIRONMENT": "Development",
            "AzureWebJobsScriptRoot": str(tmp_path),
            "FUNCTIONS_WORKER_RUNTIME": "python",
            "WEBSITE_HOSTNAME": "mine",
        }


class TestHostJson:
    def test_h015_missing_file_means_the_defaults(self, tmp_path: Path) -> None:
        assert load_host_json(tmp_path / "host.json", {}).values == {"version": "2.0"}

    @pytest.mark.parametrize(
        ("text", "problem"),
        [
            ('{"version": "1.0"}', '"version" must be "2.0" (found: \'1.0\')'),
            ("{}", '"version" must be "2.0" (found: none)'),
            ('{"version": ', "not valid JSON"),
            ("[]", "must hold a JSON object"),
        ],
    )
    def test_h015_wrong_version_or_form_is_refused(self, tmp_path: Path, text, problem) -> None:
        with pytest.raises(ConfigError) as refused:
            load_host_json(_host_json(tmp_path, text), {})
        assert problem in str(refused.value)
        assert "\n" not in str(refused.value)

    def test_comments_are_accepted_but_not_inside_texts(self, tmp_path: Path) -> None:
        text = '{ // one\n "version": "2.0", /* two\n lines */ "functions": ["a//b"] }'
        assert load_host_json(_host_json(tmp_path, text), {}).items("functions") == ["a//b"]

    def test_h016_overrides_merge_ignoring_case(self, tmp_path: Path) -> None:
        path = _host_json(tmp_path, '{"version": "2.0", "extensions": {"queues": {"batchSize": 8, "other": 1}}}')
        environment = {
            "AzureFunctionsJobHost__Extensions__Queues__BatchSize": "4",
            "AzureFunctionsJobHost__extensions__http__routePrefix": "v1",
            "AzureFunctionsJobHost__functions__0": "a",
            "AzureFunctionsJobHost__functions__1": "b",
        }
        found = load_host_json(path, environment)
        queues = found.section("extensions").section("queues")
        assert (queues.integer("batchSize", 16), queues.integer("other", 0)) == (4, 1)
        assert found.section("extensions").section("http").text("routePrefix", "api") == "v1"
        assert found.items("functions") == ["a", "b"]

    def test_override_replaces_one_element_of_a_list(self, tmp_path: Path) -> None:
        path = _host_json(tmp_path, '{"version": "2.0", "functions": ["a", "b"]}')
        found = load_host_json(path, {"AzureFunctionsJobHost__functions__1": "c"})
        assert found.items("functions") == ["a", "c"]

    @pytest.mark.parametrize(
        ("key", "value", "read"),
        [
            ("batchSize", 33, lambda s: s.integer("batchSize", 16, at_least=1, at_most=32)),
            ("batchSize", "many", lambda s: s.integer("batchSize", 16)),
            ("on", "perhaps", lambda s: s.boolean("on", default=True)),
            ("wait", "5 minutes", lambda s: s.duration("wait", timedelta(0))),
            ("wait", "00:00:00.01", lambda s: s.duration("wait", timedelta(0), at_least=timedelta(seconds=1))),
        ],
    )
    def test_value_out_of_range_is_refused_by_its_path(self, key, value, read) -> None:
        with pytest.raises(ConfigError, match=rf"host\.json: extensions\.queues\.{key}: "):
            read(Section("extensions.queues", {key: value}))


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("00:30:00", 1800), ("1.02:03:04", 93_784), ("00:00:00.250", 0.25), ("23:59:59.9999999", 86_399.9999999)],
)
def test_time_spans_are_read(text, seconds) -> None:
    assert parse_timespan(text).total_seconds() == pytest.approx(seconds, abs=1e-6)


@pytest.mark.parametrize("text", ["", "5", "25:00:00", "00:60:00", "1.5"])
def test_what_is_no_time_span_is_refused(text) -> None:
    with pytest.raises(ValueError, match="is not a time span"):
        parse_timespan(text)


def test_time_spans_are_written_as_they_are_read() -> None:
    assert format_timespan(timedelta(seconds=1)) == "00:00:01"
    assert format_timespan(timedelta(days=2, hours=3)) == "2.03:00:00"


class TestSettings:
    def test_every_placeholder_is_replaced(self) -> None:
        assert Settings({"A": "1", "B": "2"}).expand("x-%A%-%b%-100%") == "x-1-2-100%"

    def test_h012_undefined_name_is_told(self) -> None:
        with pytest.raises(IndexingError, match="the setting 'NOPE' is not defined"):
            Settings({}).expand("%NOPE%")

    @pytest.mark.parametrize("name", ["X", "AzureWebJobsX", "ConnectionStrings:X", "ConnectionStrings__X"])
    def test_connection_is_found_under_each_of_its_names(self, name) -> None:
        assert Settings({name: "text"}).connection("X").connection_string == "text"

    def test_h018_identity_based_connection_is_a_section(self) -> None:
        settings = Settings({"X__accountName": "store", "X__queueServiceUri": "http://q", "Y__accountName": "other"})
        assert settings.connection("X").identity == {"accountName": "store", "queueServiceUri": "http://q"}

    def test_undefined_connection_is_told(self) -> None:
        with pytest.raises(IndexingError, match="The connection 'X' does not exist"):
            Settings({}).connection("X")


class TestStorageClients:
    """The address of a queue tells how its connection was understood."""

    @pytest.mark.parametrize(
        ("settings", "url"),
        [
            ({"AzureWebJobsStorage": "UseDevelopmentStorage=true"}, "http://127.0.0.1:10001/devstoreaccount1/orders"),
            ({"AzureWebJobsStorage__accountName": "shop"}, "https://shop.queue.core.windows.net/orders"),
            ({"AzureWebJobsStorage__queueServiceUri": "https://q.example"}, "https://q.example/orders"),
            (
                {"AzureWebJobsStorage": "AccountName=shop;AccountKey=a2V5;EndpointSuffix=core.windows.net"},
                "https://shop.queue.core.windows.net/orders",
            ),
        ],
    )
    async def test_h018_connection_leads_to_its_account(self, settings, url) -> None:
        clients = StorageClients(Settings(settings))
        assert clients.queue("", "Orders").url == url
        await clients.close()

    @pytest.mark.parametrize(
        ("settings", "credential"),
        [
            ({"clientId": "x"}, ManagedIdentityCredential),
            ({"credential": "managedidentity"}, ManagedIdentityCredential),
            ({"tenantId": "t", "clientId": "c", "clientSecret": "s"}, ClientSecretCredential),
        ],
    )
    async def test_identity_based_connection_names_its_credential(self, settings, credential) -> None:
        made = identity_credential(Connection("X", identity=settings))
        assert isinstance(made, credential)
        await made.close()


class TestTimeZone:
    @pytest.mark.parametrize(
        ("settings", "name"),
        [
            ({"WEBSITE_TIME_ZONE": "Asia/Tokyo", "TZ": "Europe/Oslo"}, "Asia/Tokyo"),
            ({"TZ": ":Europe/Oslo"}, "Europe/Oslo"),
        ],
    )
    def test_zone_is_that_of_the_settings(self, settings, name) -> None:
        assert str(time_zone(Settings(settings))) == name

    def test_path_of_the_local_time_means_the_local_time(self) -> None:
        assert str(time_zone(Settings({"TZ": ":/etc/localtime"}))) == str(time_zone(Settings({})))

    @pytest.mark.parametrize("setting", ["WEBSITE_TIME_ZONE", "TZ"])
    def test_unknown_zone_is_refused_with_its_setting(self, setting) -> None:
        with pytest.raises(ConfigError, match=f"{setting}: 'Mars/Base' is not the name of a time zone"):
            time_zone(Settings({setting: "Mars/Base"}))


def test_body_limit_that_is_no_number_is_refused_with_its_setting() -> None:
    with pytest.raises(ConfigError, match="FUNCTIONS_REQUEST_BODY_SIZE_LIMIT: '1 MB' is not a number of bytes"):
        HttpOptions.read(Section("http", {}), Settings({"FUNCTIONS_REQUEST_BODY_SIZE_LIMIT": "1 MB"}))


def test_damaged_file_of_keys_is_refused_with_its_path(tmp_path: Path) -> None:
    file = tmp_path / "host.json"
    file.write_text("{")
    with pytest.raises(ConfigError, match=f"{file} is not valid JSON"):
        Keys(Settings({}), file, is_enforced=True)
