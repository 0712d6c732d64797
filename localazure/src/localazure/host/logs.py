"""Log lines that name the function: `[time] [Function.NAME] message`, filtered by host.json's `logging.logLevel`."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any

from localazure.host.current import current_invocation

FUNCTION_LOGGER = "Function"
_LEVELS = {
    "trace": logging.DEBUG,
    "debug": logging.DEBUG,
    "information": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
    "critical": logging.CRITICAL,
    "none": logging.CRITICAL + 1,
}
_NAMES_OF_LEVELS = (
    (logging.CRITICAL, "Critical"),
    (logging.ERROR, "Error"),
    (logging.WARNING, "Warning"),
    (logging.INFO, "Information"),
)
_CHATTY = ("azure", "aiohttp.access", "asyncio")
_OWN = ("localazure", FUNCTION_LOGGER)


@cache
def function_logger(name: str) -> logging.Logger:
    """The logger for what the host itself reports about a function."""
    return logging.getLogger(f"{FUNCTION_LOGGER}.{name}")


def category_of(record: logging.LogRecord) -> str:
    """`Function.<name>`, `Function.<name>.User` for what user code logs, or `Host.<part>`."""
    if record.name.startswith(f"{FUNCTION_LOGGER}."):
        return record.name
    if record.name.startswith("localazure."):
        return "Host." + record.name.rpartition(".")[2].replace("_", " ").title().replace(" ", "")
    if invocation := current_invocation.get():
        return f"{FUNCTION_LOGGER}.{invocation.function_name}.User"
    return record.name


def moment_of(record: logging.LogRecord) -> str:
    """UTC, as `2026-11-02T10:00:00.000Z`."""
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def level_of(record: logging.LogRecord) -> str:
    """In the words of host.json."""
    return next((name for least, name in _NAMES_OF_LEVELS if record.levelno >= least), "Debug")


class LevelFilter(logging.Filter):
    """Applies the level of the longest category that a record's own begins with."""

    def __init__(self, levels: Mapping[str, Any]) -> None:
        super().__init__()
        named = {key.lower(): _LEVELS.get(str(level).lower(), logging.INFO) for key, level in levels.items()}
        self._default = named.pop("default", logging.INFO)
        self._levels = sorted(named.items(), key=lambda item: len(item[0]), reverse=True)

    @property
    def lowest(self) -> int:
        return min([self._default, *(level for _, level in self._levels)])

    def filter(self, record: logging.LogRecord) -> bool:
        category = category_of(record).lower()
        for prefix, level in self._levels:
            if category == prefix or category.startswith(f"{prefix}."):
                return record.levelno >= level
        return record.levelno >= self._default


class CategoryFormatter(logging.Formatter):
    """One line per record, with the category and, above Information, the level."""

    def format(self, record: logging.LogRecord) -> str:
        level = "" if record.levelno <= logging.INFO else f" {level_of(record)}:"
        text = f"[{moment_of(record)}] [{category_of(record)}]{level} {record.getMessage()}"
        return f"{text}\n{self.formatException(record.exc_info)}" if record.exc_info else text


def configure_logging(
    levels: Mapping[str, Any], formatter: logging.Formatter | None = None, *, is_verbose: bool = False
) -> None:
    """Send all records to standard error. The SDKs' own request logs stay silent unless the app asks for them.

    `is_verbose` shows what the host does at level Debug, whatever `levels` say.
    """
    level_filter = LevelFilter({**levels, "Host": "Debug"} if is_verbose else levels)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter or CategoryFormatter())
    handler.addFilter(level_filter)
    logging.basicConfig(level=level_filter.lowest, handlers=[handler], force=True)
    for name in _OWN:  # whatever the app does to the root logger
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [handler], False
        logger.setLevel(level_filter.lowest)
    for name in _CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)


def keep_own_logs() -> None:
    """Undo what `logging.config` does by default when the app is imported: end all loggers that there are."""
    for name, logger in logging.root.manager.loggerDict.items():
        if isinstance(logger, logging.Logger) and name.partition(".")[0] in _OWN:
            logger.disabled = False
