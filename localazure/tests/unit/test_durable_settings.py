"""The section `extensions.durableTask` of host.json."""

from __future__ import annotations

from typing import Any

import pytest
from localazure.durable.settings import InvalidSetting, TaskHubSettings


def test_an_empty_section_gives_the_defaults() -> None:
    settings = TaskHubSettings.from_host_json({}, {})
    assert (settings.hub_name, settings.max_entity_batch, settings.max_actions) == ("TestHubName", 1, 100_000)
    assert not settings.replace_any_state
    assert settings.max_concurrent_activities >= 10


def test_keys_ignore_case_and_reach_their_settings() -> None:
    section = {
        "HUBNAME": "Waybill",
        "maxConcurrentActivityFunctions": "7",
        "overridableExistingInstanceStates": "anystate",
        "storageProvider": {"connectionStringName": "Hub", "partitionCount": 8},
        "httpSettings": {"defaultAsyncRequestSleepTimeMilliseconds": 100},
        "tracing": {"traceInputsAndOutputs": True},
    }
    settings = TaskHubSettings.from_host_json(section, {})
    assert (settings.hub_name, settings.max_concurrent_activities, settings.replace_any_state) == ("Waybill", 7, True)
    assert (settings.connection_name, settings.http_poll_ms) == ("Hub", 100)


@pytest.mark.parametrize(
    ("section", "environment", "name"),
    [
        ({"hubName": "%HUB%"}, {"HUB": "FromSetting"}, "FromSetting"),
        ({}, {"WEBSITE_SITE_NAME": "my-site"}, "mysite"),
        ({}, {"WEBSITE_SITE_NAME": "1"}, "TestHubName"),
    ],
)
def test_the_hub_name_can_come_from_the_environment(
    section: dict[str, Any], environment: dict[str, str], name: str
) -> None:
    assert TaskHubSettings.from_host_json(section, environment).hub_name == name


@pytest.mark.parametrize(
    ("section", "named"),
    [
        ({"hubName": "1hub"}, "hubName"),
        ({"hubName": "%MISSING%"}, "hubName"),
        ({"maxConcurrentActivityFunctions": 0}, "maxConcurrentActivityFunctions"),
        ({"maxOrchestrationActions": True}, "maxOrchestrationActions"),
        ({"storeInputsInOrchestrationHistory": "maybe"}, "storeInputsInOrchestrationHistory"),
        ({"overridableExistingInstanceStates": "Some"}, "overridableExistingInstanceStates"),
        ({"storageProvider": "x"}, "storageProvider"),
    ],
)
def test_a_wrong_value_is_refused_with_the_name_of_its_key(section: dict[str, Any], named: str) -> None:
    with pytest.raises(InvalidSetting, match=named):
        TaskHubSettings.from_host_json(section, {})
