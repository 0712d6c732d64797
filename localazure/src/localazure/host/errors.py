"""What stops the host from starting, as one line for the person at the terminal."""

from __future__ import annotations


class ConfigError(Exception):
    """The app or its settings cannot be used. `str()` is one line that names the file and the key.

    `details` is what to print below that line (the traceback of the app's own code), or empty.
    """

    def __init__(self, line: str, details: str = "") -> None:
        super().__init__(line)
        self.details = details


class PortTakenError(ConfigError):
    """Another process listens on a port that this one was told to use."""


class IndexingError(Exception):
    """One function cannot be run. The others are not affected."""
