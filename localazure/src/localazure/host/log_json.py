"""Log lines for programs: one JSON object each."""

from __future__ import annotations

import json
import logging

from localazure.host.logs import category_of, current_function, current_invocation, level_of, moment_of


class JsonFormatter(logging.Formatter):
    """{"time", "level", "category", "function", "invocationId", "message", "exception"}; the last is only there if any.

    `function` and `invocationId` are null for what belongs to no invocation.
    """

    def format(self, record: logging.LogRecord) -> str:
        function = current_function.get()
        line = {
            "time": moment_of(record),
            "level": level_of(record),
            "category": category_of(record),
            "function": function or None,
            "invocationId": current_invocation.get() if function else None,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)
