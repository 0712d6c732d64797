"""Slips of the pen in host.json: a key that nobody reads does nothing, so one that looks like another is reported."""

from __future__ import annotations

import logging
from difflib import get_close_matches

from localazure.host.host_json import Section

log = logging.getLogger(__name__)

_KNOWN: dict[str, str] = {
    "": "version functionTimeout functions watchDirectories watchFiles logging extensionBundle extensions concurrency"
    " singleton healthMonitor retry aggregator customHandler managedDependency telemetryMode tracing http queues id",
    "extensions": "http queues blobs cosmosDB durableTask eventHubs serviceBus kafka signalR sendGrid eventGrid warmup"
    " tables sql rabbitMQ mcp",
    "extensions.http": "routePrefix maxOutstandingRequests maxConcurrentRequests dynamicThrottlesEnabled hsts"
    " customHeaders",
    "extensions.queues": "maxPollingInterval visibilityTimeout batchSize maxDequeueCount newBatchThreshold"
    " messageEncoding",
    "extensions.blobs": "maxDegreeOfParallelism poisonBlobThreshold",
    "extensions.cosmosDB": "connectionMode userAgentSuffix protocol leaseOptions",
    "logging": "logLevel fileLoggingMode console applicationInsights",
}


def report_slips(host_json: Section) -> None:
    """Log a warning for each key that is unknown and close to a known one."""
    for path, known in _KNOWN.items():
        section = host_json
        for step in path.split(".") if path else []:
            section = section.section(step)
        spellings = {key.lower(): key for key in known.split()}
        for key in section.values:
            meant = get_close_matches(key.lower(), spellings, n=1, cutoff=0.75)
            if meant and key.lower() not in spellings:
                place = f"{path}.{key}".lstrip(".")
                log.warning("host.json: %s is not known and has no effect; is %s meant?", place, spellings[meant[0]])
