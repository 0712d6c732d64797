"""Log lines for programs: one JSON object each."""

from __future__ import annotations

import json
import logging

from localazure.host.current import current_invocation
from localazure.host.logs import category_of, level_of, moment_of


class JsonFormatter(logging.Formatter):
    """{"time", "level", "category", "function", "invocationId", "message", "exception"}; the last is only there if any.

    `function` and `invocationId` are null for what belongs to no invocation.
    """

    def format(self, record: logging.LogRecord) -> str:
        invocation = current_invocation.get()
        line = {
            "time": moment_of(record),
            "level": level_of(record),
            "category": category_of(record),
            "function": invocation.function_name if invocation else None,
            "invocationId": invocation.id if invocation else None,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)
