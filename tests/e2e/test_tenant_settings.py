"""What a tenant may decide, and who may decide it."""

from __future__ import annotations

import uuid

import pytest

from sandbox.client import Client, Staff
from tests.e2e.conftest import ClientOf
from tests.e2e.words import refused


class TestSettings:
    """What a tenant may decide."""

    @pytest.fixture
    def admin(self, client_of: ClientOf) -> Client:
        """An admin of a tenant that has never set anything."""
        return client_of(f"t-{uuid.uuid4().hex[:8]}", "admin")

    def test_are_defaults_until_they_are_set(self, admin: Client) -> None:
        settings = admin.get("/v1/settings").json()

        assert settings["approvalOverMinor"] == 100_000
        assert (settings["approvalTimeoutHours"], settings["shortageTimeoutHours"]) == (24, 48)
        assert (settings["parcelSilentDays"], settings["returnDays"], settings["whenShort"]) == (7, 30, "reject")

    def test_are_changed_under_their_etag(self, admin: Client) -> None:
        first = admin.put("/v1/settings", {"whenShort": "ask"})
        assert first.headers["ETag"] == admin.get("/v1/settings").headers["ETag"]

        second = admin.put("/v1/settings", {"returnDays": 14}, headers={"If-Match": first.headers["ETag"]})
        assert second.status_code == 200
        assert second.json()["whenShort"] == "reject"  # what is left out has its default
        late = admin.put("/v1/settings", {"returnDays": 15}, headers={"If-Match": first.headers["ETag"]})

        assert refused(late, 412)
        assert admin.get("/v1/settings").json()["returnDays"] == 14
        known = admin.get("/v1/settings", headers={"If-None-Match": second.headers["ETag"]})
        assert known.status_code == 304

    def test_are_set_by_admins_alone(self, staff: Staff) -> None:
        assert staff.operator.get("/v1/settings").status_code == 200
        assert "admin" in refused(staff.operator.put("/v1/settings", {}), 403)
        assert refused(staff.customer.get("/v1/settings"), 403)
