"""Helpers for those who test an app against localazure."""

from localazure.testing.system import System, SystemFailedError

__all__ = ["System", "SystemFailedError"]
