"""JSON that others have written: messages, bodies of requests, the files of an app."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from localazure.errors import ConfigError

_STRING_OR_COMMENT = re.compile(r'"(?:\\.|[^"\\])*"|//[^\n]*|/\*.*?\*/', re.DOTALL)


def parse_json(text: str | bytes) -> Any:
    """Raises ValueError, also for what nests too deep."""
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("the JSON nests too deep") from None


def read_object(path: Path, name: str) -> dict[str, Any]:
    """The object in a file, which may have comments as for the original tools. Raises ConfigError with this name."""
    try:
        content = parse_json(_STRING_OR_COMMENT.sub(_without_comment, path.read_text("utf-8-sig")))
    except ValueError as error:
        raise ConfigError(f"{name} is not valid JSON: {error}") from None
    except OSError as error:
        raise ConfigError(f"{name} cannot be read: {error.strerror}") from None
    if not isinstance(content, dict):
        raise ConfigError(f"{name} must hold a JSON object")
    return content


def _without_comment(found: re.Match[str]) -> str:
    """Blanks instead of a comment, so that errors are reported at their place."""
    return found[0] if found[0].startswith('"') else re.sub(r"[^\n]", " ", found[0])
