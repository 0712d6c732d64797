"""Paths, resource ids and signatures."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import UTC, datetime
from urllib.parse import quote

import pytest
from localazure.clock import ManualClock
from localazure.cosmos import addressing
from localazure.cosmos.addressing import Kind, parse_address
from localazure.cosmos.auth import Authenticator, BearerTokens, signed_text
from localazure.cosmos.errors import BadRequest, NotFound, Unauthorized
from localazure.cosmos.options import EMULATOR_KEY
from localazure.errors import ConfigError

DATE = "Mon, 02 Nov 2026 10:00:00 GMT"
ITEM_RID = "Xk0YAIwBzhIBAAAAAAAAAA=="


@pytest.fixture
def authenticator():
    return Authenticator(EMULATOR_KEY, BearerTokens(None, ManualClock(datetime(2026, 11, 2, tzinfo=UTC))))


@pytest.mark.parametrize(
    ("path", "kind", "resource_type", "link"),
    [
        ("/", Kind.ACCOUNT, "", ""),
        ("/dbs", Kind.DATABASES, "dbs", ""),
        ("/dbs/shop/", Kind.DATABASE, "dbs", "dbs/shop"),
        ("/dbs/shop/colls/", Kind.CONTAINERS, "colls", "dbs/shop"),
        ("/dbs/shop/colls/orders/", Kind.CONTAINER, "colls", "dbs/shop/colls/orders"),
        ("/dbs/shop/colls/orders/pkranges/", Kind.RANGES, "pkranges", "dbs/shop/colls/orders"),
        ("/dbs/shop/colls/orders/docs/", Kind.ITEMS, "docs", "dbs/shop/colls/orders"),
        ("/dbs/shop/colls/orders/docs/o1/", Kind.ITEM, "docs", "dbs/shop/colls/orders/docs/o1"),
        ("/dbs/shop/colls/orders/docs/docs", Kind.ITEM, "docs", "dbs/shop/colls/orders/docs/docs"),
        ("/dbs/a%20b/colls/c%252F/docs/d%2Be", Kind.ITEM, "docs", "dbs/a b/colls/c%2F/docs/d+e"),
        ("/dbs/shop/colls/orders/operations/partitionkeydelete", Kind.DELETE_BY_KEY, "colls", "dbs/shop/colls/orders"),
        ("/offers", Kind.OFFERS, "offers", ""),
        ("/offers/QafD/", Kind.OFFER, "offers", "qafd"),
        (f"/dbs/Xk0YAA==/colls/Xk0YAIwBzhI=/docs/{ITEM_RID}/", Kind.ITEM, "docs", ITEM_RID.lower()),
        ("/dbs/shop/colls/orders/sprocs/", Kind.UNSUPPORTED, "sprocs", "dbs/shop/colls/orders"),
        ("/dbs/shop/users", Kind.UNSUPPORTED, "users", "dbs/shop"),
    ],
)
def test_a_path_leads_to_a_resource_and_names_what_is_signed(path, kind, resource_type, link):
    address = parse_address(path)
    assert (address.kind, address.resource_type, address.signed_link) == (kind, resource_type, link)


@pytest.mark.parametrize("path", ["/nothing", "/dbs/a/b", "/dbs/a/colls/b/nothing/c"])
def test_other_paths_lead_nowhere(path):
    with pytest.raises(NotFound):
        parse_address(path)


def test_rids_hold_the_rids_of_their_parents():
    database = addressing.new_database_rid()
    container = addressing.new_container_rid(database)
    item = addressing.item_rid(container, 258)
    assert [len(database), len(container), len(item)] == [8, 12, 24]
    assert addressing.item_sequence(container, item) == 258
    with pytest.raises(NotFound):
        addressing.item_sequence(addressing.new_container_rid(database), item)
    with pytest.raises(NotFound):
        addressing.item_sequence(container, addressing.item_rid(container, 2**64 - 1))
    assert parse_address(f"/dbs/{database}").by_rid
    assert not parse_address("/dbs/12345678").by_rid


def test_a_known_rid_comes_out_as_published():
    assert addressing.item_rid("Xk0YAIwBzhI=", 1) == ITEM_RID
    assert addressing.range_rid("Xk0YAIwBzhI=", 0) == "Xk0YAIwBzhICAAAAAAAAUA=="


@pytest.mark.parametrize("name", ["", None, 5, "a/b", "a\\b", "a?b", "a#b", ".", "..", "x" * 1024, "\ud800"])
def test_bad_ids_are_refused(name):
    with pytest.raises(BadRequest):
        addressing.check_item_id(name)


@pytest.mark.parametrize(
    ("method", "path", "signature"),
    [
        ("GET", "/", "NOLWNq9F5cUDoMMsnFH4iK+2ewf8U+SrG89xKTl91gw="),
        ("POST", "/dbs/shop/colls/orders/docs/", "i9gcvjrQlCPLq81IU3rYUW/s4rZspgVtV4WOVpox1yY="),
        ("GET", "/dbs/shop/colls/orders/docs/a%20b+%C3%A9", "nySutmdJhXC0HB3rOiFE8A7Nt/l6otSTaiXyHpv9uP0="),
        ("GET", f"/dbs/Xk0YAA==/colls/Xk0YAIwBzhI=/docs/{ITEM_RID}", "HS4SO945Da5Ub0auOlvNcx1PomkgujfHdhAiiEmh5Ww="),
        ("PUT", "/offers/QafD/", "PDsitZktWyi7ynhftTl8lrH/gLvc/FWHHW/+haSd0Xg="),
    ],
)
def test_published_signatures_are_accepted_and_others_are_not(authenticator, method, path, signature):
    address = parse_address(path)
    header = quote(f"type=master&ver=1.0&sig={signature}", safe="")
    authenticator.check(method, address, {"authorization": header, "x-ms-date": DATE})
    with pytest.raises(Unauthorized, match="signed this text"):
        authenticator.check("DELETE", address, {"authorization": header, "x-ms-date": DATE})


@pytest.mark.parametrize("header", ["", "nonsense", "type%3Dresource%26ver%3D1%26sig%3Dabc", "type=aad&ver=1.0&sig="])
def test_other_authorization_is_refused(authenticator, header):
    with pytest.raises(Unauthorized):
        authenticator.check("GET", parse_address("/dbs"), {"authorization": header, "x-ms-date": DATE})


def test_signatures_are_made_with_the_account_key():
    key, address = base64.b64encode(b"secret").decode(), parse_address("/dbs")
    text = signed_text("GET", address, DATE)
    signature = base64.b64encode(hmac.digest(b"secret", text.encode(), hashlib.sha256)).decode()
    header = quote(f"type=master&ver=1.0&sig={signature}", safe="")
    tokens = BearerTokens(None, ManualClock())
    Authenticator(key, tokens).check("GET", address, {"authorization": header, "x-ms-date": DATE})


def test_a_key_must_be_base64():
    with pytest.raises(ConfigError, match="--key"):
        Authenticator("not base64!", BearerTokens(None, ManualClock()))
