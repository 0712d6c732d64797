"""`extensions.queues` of host.json, and how a message's text is carried."""

from __future__ import annotations

import base64
import binascii
import os
import re
from dataclasses import dataclass
from datetime import timedelta

from localazure.host.errors import IndexingError
from localazure.host.host_json import Section

POISON_SUFFIX = "-poison"
_LONGEST_NAME = 63
_NAME = re.compile(rf"(?=.{{3,{_LONGEST_NAME}}}\Z)[a-z0-9]+(-[a-z0-9]+)*", re.IGNORECASE)  # sent in lower case


@dataclass(frozen=True)
class QueueOptions:
    """How queues are read. `new_batch_threshold`: fetch more when no more than this many messages are in work."""

    batch_size: int
    new_batch_threshold: int
    max_dequeue_count: int
    visibility_timeout: timedelta
    max_polling_interval: timedelta
    is_base64: bool

    @classmethod
    def read(cls, section: Section) -> QueueOptions:
        """Raises ConfigError."""
        batch_size = section.integer("batchSize", 16, at_least=1, at_most=32)
        return cls(
            batch_size=batch_size,
            new_batch_threshold=section.integer(
                "newBatchThreshold", batch_size // 2 * (os.cpu_count() or 1), at_least=0
            ),
            max_dequeue_count=section.integer("maxDequeueCount", 5, at_least=1),
            visibility_timeout=section.duration("visibilityTimeout", timedelta(0)),
            # Two seconds because the environment of this host is always Development.
            max_polling_interval=section.duration(
                "maxPollingInterval", timedelta(seconds=2), at_least=timedelta(milliseconds=100)
            ),
            is_base64=section.choice("messageEncoding", ("base64", "none")) == "base64",
        )

    def encode(self, content: bytes) -> str:
        """Message text on the wire. Raises UnicodeDecodeError for bytes that are no text and not encoded."""
        return base64.b64encode(content).decode() if self.is_base64 else content.decode()

    def decode(self, text: str) -> bytes:
        """Raises ValueError when the text is not what `messageEncoding` promises."""
        if not self.is_base64:
            return text.encode()
        try:
            content = base64.b64decode(text, validate=True)
            content.decode()
        except (binascii.Error, UnicodeDecodeError) as error:
            raise ValueError("the message is not Base64 of UTF-8 text") from error
        return content


def check_queue_name(name: str) -> None:
    """Raises IndexingError for a name that the storage service would refuse."""
    if not _NAME.fullmatch(name):
        raise IndexingError(
            f"The queue name '{name}' is invalid: it must have 3 to {_LONGEST_NAME} letters, digits and single dashes,"
            " and no dash at either end."
        )


def poison_queue_of(name: str) -> str | None:
    """The queue for messages that cannot be processed, or None when there cannot be one."""
    poison = f"{name}{POISON_SUFFIX}"
    return None if name.endswith(POISON_SUFFIX) or len(poison) > _LONGEST_NAME else poison
