"""What is wrong with one function of the app; what stops the whole host is a `localazure.errors.ConfigError`."""

from __future__ import annotations


class IndexingError(Exception):
    """One function cannot be run. The others are not affected."""
