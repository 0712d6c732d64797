"""Functions that queue messages trigger."""
