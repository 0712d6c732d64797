"""Imports localazure before pytest sees `localazure/tests` and takes the folder `localazure/` for the package."""

import localazure  # noqa: F401  # see above
