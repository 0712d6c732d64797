"""How a function looks in `/admin/functions` and in the banner."""

from __future__ import annotations

from typing import Any

from localazure.host.functions import HostedFunction
from localazure.host.http.routes import methods_of


def invoke_url(function: HostedFunction, base_url: str, route_prefix: str) -> str:
    """Where an HTTP function answers, with its route template as written; empty for other functions."""
    if function.trigger.kind != "httptrigger":
        return ""
    route = function.trigger.text("route", default=function.name).lstrip("/")
    return "/".join(part for part in (base_url, route_prefix.strip("/"), route) if part)


def banner_line(function: HostedFunction, base_url: str, route_prefix: str) -> str:
    """As `func start` prints it: scripts read these lines."""
    if url := invoke_url(function, base_url, route_prefix):
        methods = ",".join(sorted(methods_of(function)))
        return f"{function.name}: [{methods}] {url}" if methods else f"{function.name}: {url}"
    return f"{function.name}: {function.trigger.type}"


def describe(function: HostedFunction, base_url: str, route_prefix: str) -> dict[str, Any]:
    """The function description of the admin API."""
    admin_url = f"{base_url}/admin/functions/{function.name}"
    return {
        "name": function.name,
        "script_root_path_href": f"{base_url}/admin/vfs/{function.name}/",
        "script_href": f"{base_url}/admin/vfs/{function.script_file}",
        "config_href": f"{base_url}/admin/vfs/{function.name}/function.json",
        "test_data_href": None,
        "href": admin_url,
        "invoke_url_template": invoke_url(function, base_url, route_prefix),
        "language": "python",
        "config": {
            "name": function.name,
            "entryPoint": function.entry_point,
            "scriptFile": function.script_file,
            "language": "python",
            "functionDirectory": "",
            "bindings": list(function.raw_bindings),
        },
        "files": None,
        "test_data": None,
        "isDisabled": function.is_disabled,
        "isDirect": False,
        "isProxy": False,
    }
