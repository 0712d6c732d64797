"""Reads the pages of one range of a change feed, with the continuation that follows each page."""

from __future__ import annotations

import base64
import json
from typing import Any

from azure.cosmos.aio import ContainerProxy

from localazure.host.cosmos_options import Start


class FeedReader:
    """`container` must belong to a client that nobody else uses: its latest response carries the continuation."""

    def __init__(
        self, container: ContainerProxy, feed_range: dict[str, Any], start: Start, max_items: int | None
    ) -> None:
        self._container = container
        self._feed_range = feed_range
        self._start = start
        self._max_items = max_items

    async def read(self, continuation: str | None) -> tuple[list[dict[str, Any]], str]:
        """The next page, empty when there is nothing new, and where to go on after it."""
        options: dict[str, Any] = {"max_item_count": self._max_items} if self._max_items else {}
        if continuation:
            options["continuation"] = continuation
        else:
            options |= {"start_time": self._start, "feed_range": self._feed_range}
        documents: list[dict[str, Any]] = []
        async for page in self._container.query_items_change_feed(**options).by_page():
            documents = [document async for document in page]
            break
        return documents, _portable(self._container.client_connection.last_response_headers["etag"])


def _portable(continuation: str) -> str:
    """The SDK cannot read its own continuation of a feed that began at a point in time; the position is enough."""
    content = json.loads(base64.b64decode(continuation))
    if content["startFrom"].get("Type") != "PointInTime":
        return continuation
    content["startFrom"] = {"Type": "Beginning"}
    return base64.b64encode(json.dumps(content).encode()).decode()
