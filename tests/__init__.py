"""Waybill's tests. A regular package: the wheel of azure-functions-durable installs one called `tests` as well."""
