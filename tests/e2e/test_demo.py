"""The demo can be played as often as one likes, on the state that earlier ones left."""

from __future__ import annotations

import uuid

import pytest

from sandbox.client import Staff, an_order
from sandbox.demo import played, restock
from sandbox.stories import Scene, Story
from sandbox.user_stories import REGISTRATION, USER_STORIES
from sandbox.welcome import CATALOGUE, seed
from tests.e2e.conftest import ClientOf, Endpoints


@pytest.fixture
def scene(client_of: ClientOf, endpoints: Endpoints) -> Scene:
    """The demo's people in a tenant of their own; skips the test where nobody knows what is around the app."""
    if missing := {"payments", "mail"} - endpoints.keys():
        pytest.skip(f"nobody knows where these are: {', '.join(sorted(missing))}")
    tenant = f"t-{uuid.uuid4().hex[:8]}"
    staff = Staff.of(lambda role, subject: client_of(tenant, role, subject))
    seed(staff.admin)
    return Scene(
        staff, endpoints["payments"], endpoints["mail"], lambda user_id: client_of(tenant, "customer", user_id)
    )


def test_demo_finds_its_shelves_full_again(client_of: ClientOf) -> None:
    operator = client_of(f"t-{uuid.uuid4().hex[:8]}")
    seed(operator)
    order_id = operator.place(an_order("MUG-01", quantity=12))
    assert operator.order_in(order_id, "confirmed", "rejected", "failed")["status"] == "confirmed"
    assert operator.stock("MUG-01") == (12, 12)

    restock(operator)

    free = {sku: on_hand - reserved for sku, *_ in CATALOGUE for on_hand, reserved in [operator.stock(sku)]}
    assert free == {sku: opening for sku, *_, opening in CATALOGUE}


@pytest.mark.parametrize("story", USER_STORIES, ids=lambda story: story.title)
def test_stories_of_users_end_as_they_must(story: Story, scene: Scene) -> None:
    lines = played(story, scene)

    assert f": {story.ends_in}" in lines[0]
    assert [line for line in lines if "address_changed v1" in line or "personal_data_erased" in line]


def test_story_of_a_registration_ends_as_it_must(scene: Scene) -> None:
    [title, *lines] = REGISTRATION.play(scene)

    assert title.endswith(": verified")
    assert [line.split()[3] for line in lines if "POST" in line] == ["201", "409", "204"]
