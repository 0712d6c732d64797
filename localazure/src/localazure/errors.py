"""What stops a process from starting, as a text for the person at the terminal."""

from __future__ import annotations


class ConfigError(Exception):
    """The app, a file or an option cannot be used. `str()` names the file and the key, or the option.

    `details` is what to print below that text (the traceback of the app's own code), or empty.
    """

    def __init__(self, text: str, details: str = "") -> None:
        super().__init__(text)
        self.details = details


class PortTakenError(ConfigError):
    """A port that this process was told to use cannot be had."""
