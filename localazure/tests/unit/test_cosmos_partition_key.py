"""Partition keys: extraction, identity, and the hash that clients compute as well."""

from __future__ import annotations

import random

import pytest
from azure.cosmos.partition_key import PartitionKey as SdkPartitionKey
from localazure.cosmos import partition_key
from localazure.cosmos.errors import BadRequest
from localazure.cosmos.murmur import murmur3_128
from localazure.cosmos.partition_key import UNDEFINED
from localazure.cosmos.resources import split_ranges

ONE = partition_key.define({"paths": ["/pk"], "kind": "Hash", "version": 2})
OLD = partition_key.define({"paths": ["/pk"]})
THREE = partition_key.define({"paths": ["/t", "/u", "/s"], "kind": "MultiHash", "version": 2})


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", (0, 0)),
        (b"hello", (0xCBD8A7B341BD9B02, 0x5B1E906A48AE1D19)),
        (b"0123456789abcdefX", (0xCDEBD2ACB570D6F7, 0x8F72119782104B27)),
    ],
)
def test_murmur_hashes_as_published(data, words):
    assert murmur3_128(data) == words


@pytest.mark.parametrize(
    ("value", "epk"),
    [
        ("a", "3A5381E1114EB8D3FCC90795045B49B7"),
        ("", "32E9366E637A71B4E710384B2F4970A0"),
        ("é", "007199F104E04116EE25AF912CA4889B"),
        (5, "19C08621B135968252FB34B4CF66F811"),
        (1.5, "35C5DDEB6C795D16A9963C73C54E97BC"),
        (True, "0E711127C5B5A8E4726AC6DD306A3E59"),
        (False, "2FE1BE91E90A3439635E0E9E37361EF2"),
        (None, "378867E4430E67857ACE5C908374FE16"),
        (UNDEFINED, "11622DAA78F835834610ABE56EFF5CB5"),
    ],
)
def test_each_type_of_key_has_its_effective_key(value, epk):
    assert partition_key.make(ONE, (value,)).epk == epk


def test_a_prefix_of_a_hierarchical_key_is_a_prefix_of_its_effective_key():
    whole = partition_key.make(THREE, ("t1", "u1", "s1")).epk
    assert whole.startswith(partition_key.make(THREE, ("t1", "u1")).epk)
    assert whole.startswith("3D48BB14DA9D090D22112C96695028B62A947C94F6E254B945CEBC3196C9897C")
    assert whole.endswith("2924A879AFFF52A411F93F1A83532751")


@pytest.mark.parametrize(
    ("value", "epk"), [("a", "05c1d78593652c086200"), (5, "05c1d9c1c5517c05c014"), (UNDEFINED, "05c1d529e345dc00")]
)
def test_the_first_version_appends_the_value_to_a_short_hash(value, epk):
    assert partition_key.make(OLD, (value,)).epk == epk


@pytest.mark.parametrize(("definition", "version"), [(ONE, 2), (OLD, 1)])
def test_random_keys_hash_as_in_the_sdk(definition, version):
    chance, sdk = random.Random(7), SdkPartitionKey("/pk")
    for _ in range(500):
        text = "".join(chance.choice("abcé漢😀") for _ in range(chance.randint(0, 130)))
        value = chance.choice([text, chance.random() * 1e6, chance.randint(0, 10**6)])
        expected = sdk._get_hashed_partition_key_string([value], "Hash", version)
        assert partition_key.make(definition, (value,)).epk == expected, value


@pytest.mark.parametrize(
    ("document", "text"),
    [
        ({"pk": "a"}, '["a"]'),
        ({"pk": 1}, "[1]"),
        ({"pk": 1.0}, "[1]"),
        ({"pk": -0.0}, "[0]"),
        ({"pk": True}, "[true]"),
        ({"pk": None}, "[null]"),
        ({}, "[{}]"),
        ({"pk": {"a": 1}}, "[{}]"),
        ({"pk": 2**60 + 1}, "[1152921504606846976]"),
    ],
)
def test_a_document_states_its_key(document, text):
    assert partition_key.of_document(ONE, document).text == text


def test_a_missing_level_of_a_hierarchy_is_null():
    assert partition_key.of_document(THREE, {"t": "x", "s": 1}).text == '["x",null,1]'


def test_one_and_true_are_different_keys():
    assert partition_key.of_header(ONE, "[1]").text != partition_key.of_header(ONE, "[true]").text


@pytest.mark.parametrize("header", ["a", '{"a":1}', '["a","b"]', "[NaN]"])
def test_a_header_that_is_no_key_is_refused(header):
    with pytest.raises(BadRequest):
        partition_key.of_header(ONE, header)


@pytest.mark.parametrize(
    "properties",
    [
        None,
        {"paths": []},
        {"paths": ["/a", "/b"]},
        {"paths": ["a"]},
        {"paths": ["/a"], "kind": "Range"},
        {"paths": ["/a"], "kind": "MultiHash", "version": 1},
    ],
)
def test_definitions_that_the_service_refuses_are_refused(properties):
    with pytest.raises(BadRequest):
        partition_key.define(properties)


def test_the_interval_of_a_point_carries_over():
    assert partition_key.point_interval("0FFF") == ("0FFF", "1000")
    assert partition_key.point_interval("") == ("", "FF")


def test_ranges_cover_the_key_space_without_gaps():
    ranges = split_ranges(3)
    assert [one.min_epk for one in ranges[1:]] == [one.max_epk for one in ranges[:-1]]
    assert (ranges[0].min_epk, ranges[-1].max_epk) == ("", "FF")
    assert ranges[1].min_epk == "15555555" + "0" * 24
