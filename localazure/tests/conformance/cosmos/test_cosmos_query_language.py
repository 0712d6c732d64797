"""Clauses of the query language through the official client: what the corpora test case by case, here one by one."""

from __future__ import annotations

import json

import pytest
from azure.cosmos import PartitionKey
from azure.cosmos.exceptions import CosmosHttpResponseError

EVERYWHERE = {"enable_cross_partition_query": True}
PEOPLE = [
    {"id": "1", "name": "Ann", "age": 30, "tags": ["x", "y"], "address": {"city": "Ulm", "zips": ["1", "2"]}},
    {"id": "2", "name": "bob", "age": 25, "tags": [], "nick": None},
    {"id": "3", "name": "Cy_", "age": 30, "tags": ["y", "z"], "pets": [{"kind": "cat", "toys": ["ball", "mouse"]}]},
    {"id": "4", "age": "old", "tags": "none", "address": {"city": "Bonn"}},
]


@pytest.fixture
def people(database):
    """Four documents in one logical partition each."""
    container = database.create_container("people", PartitionKey("/id"))
    for person in PEOPLE:
        container.create_item(person)
    return container


@pytest.fixture
def ask(people):
    """The rows of a query over all documents."""

    def rows(query, **parameters):
        given = [{"name": f"@{name}", "value": value} for name, value in parameters.items()]
        return list(people.query_items(query, given, **EVERYWHERE))

    return rows


@pytest.fixture
def error_of(ask):
    """The code and place of the error of a query."""

    def refuse(query, **parameters):
        with pytest.raises(CosmosHttpResponseError) as refusal:
            ask(query, **parameters)
        assert refusal.value.status_code == 400
        message = json.loads(refusal.value.http_error_message)["message"]
        [error] = json.loads(message.removeprefix("Message: ").partition("\r\n")[0])["errors"]
        return error["code"], (error["location"]["start"], error["location"]["end"])

    return refuse


def same(found, expected):
    """Equal as JSON, where 1, 1.0 and true differ."""
    assert json.dumps(found, sort_keys=True) == json.dumps(expected, sort_keys=True)


@pytest.mark.parametrize(
    "value", ["text", 1.5, 7, True, False, None, [1, "2", [None]], {"k": {"l": [1]}}], ids=json.dumps
)
def test_c116_parameters_of_every_type_bind(ask, value):
    same(ask("SELECT VALUE @v", v=value), [value])
    same(ask("SELECT VALUE c.id FROM c WHERE @v = @w AND c.id = '1'", v=value, w=value), ["1"])


def test_c116_an_undeclared_parameter_is_refused(error_of):
    assert error_of("SELECT * FROM c WHERE c.n = @n")[0] == "SC2001"


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        ("SELECT c.name, c.age AS years FROM c WHERE c.id = '1'", [{"name": "Ann", "years": 30}]),
        ("SELECT c.age + 1, c.name, 'x' FROM c WHERE c.id = '1'", [{"$1": 31, "name": "Ann", "$2": "x"}]),
        ("SELECT c.name, c.none FROM c WHERE c.id = '4'", [{}]),
        ("SELECT VALUE c.name FROM c", ["Ann", "bob", "Cy_"]),
        ("SELECT VALUE c.none FROM c", []),
        ("SELECT VALUE {n: c.name, 'none': c.none} FROM c WHERE c.id = '1'", [{"n": "Ann"}]),
        ("SELECT VALUE [c.name, c.none, c.age] FROM c WHERE c.id = '1'", [["Ann", 30]]),
        ("SELECT c.address.city town, c.tags[0] FROM c WHERE c.id = '1'", [{"town": "Ulm", "$1": "x"}]),
    ],
)
def test_c117_select_lists_name_and_leave_out(ask, query, rows):
    same(ask(query), rows)


@pytest.mark.parametrize(
    ("condition", "ids"),
    [
        ("c.age > 26", ["1", "3"]),
        ("c.age = 'old'", ["4"]),
        ("c.age != 30", ["2"]),  # of another type, so neither equal nor different
        ("c.none = 1 OR true", ["1", "2", "3", "4"]),
        ("c.none = 1 AND false", []),
        ("NOT (c.none = 1 AND false)", ["1", "2", "3", "4"]),
        ("NOT (c.none = 1)", []),
        ("NOT (c.age > 26)", ["2"]),
        ("c.name AND true", []),
        ("c.name IN ('Ann', 'bob', 'x')", ["1", "2"]),
        ("c.name NOT IN ('Ann', 'x')", ["2", "3"]),
        ("c.age BETWEEN 25 AND 29", ["2"]),
        ("c.name LIKE '_o%'", ["2"]),
        ("c.name LIKE 'Cy!_' ESCAPE '!'", ["3"]),
        ("c.name NOT LIKE 'A%'", ["2", "3"]),
        ("(c.nick ?? c.name) = 'bob'", ["2"]),
        ("(c.age > 26 ? 'yes' : 'no') = 'no'", ["2", "4"]),
        ("IS_DEFINED(c.address) AND c.address.city != 'Ulm'", ["4"]),
    ],
)
def test_c118_where_keeps_what_is_true(ask, condition, ids):
    assert ask(f"SELECT VALUE c.id FROM c WHERE {condition}") == ids


MIXED = [[1], "b", 2, True, None, {"k": 1}, False, "a", -1.5]


def test_c119_order_by_puts_types_and_undefined_in_order(database):
    container = database.create_container("mixed", PartitionKey("/id"))
    for number, value in enumerate(MIXED):
        container.create_item({"id": str(number), "v": value})
    container.create_item({"id": "none"})
    ordered = [None, False, True, -1.5, 2, "a", "b", [1], {"k": 1}]
    rows = list(container.query_items("SELECT c.v FROM c ORDER BY c.v", **EVERYWHERE))
    same(rows, [{}, *({"v": value} for value in ordered)])
    same(list(container.query_items("SELECT c.v FROM c ORDER BY c.v DESC", **EVERYWHERE)), rows[::-1])


def test_c119_order_by_takes_several_keys_in_both_directions(ask):
    assert ask("SELECT VALUE c.id FROM c ORDER BY c.age") == ["2", "1", "3", "4"]
    assert ask("SELECT VALUE c.id FROM c ORDER BY c.age DESC") == ["4", "1", "3", "2"]
    assert ask("SELECT VALUE c.id FROM c ORDER BY c.age DESC, c.name DESC") == ["4", "3", "1", "2"]
    assert ask("SELECT VALUE c.id FROM c ORDER BY c.age ASC, c.name DESC") == ["2", "3", "1", "4"]


def test_c120_top_offset_and_limit_take_literals_and_parameters(ask, error_of):
    assert ask("SELECT TOP 2 VALUE c.id FROM c") == ["1", "2"]
    assert ask("SELECT TOP @n VALUE c.id FROM c", n=3) == ["1", "2", "3"]
    assert ask("SELECT VALUE c.id FROM c OFFSET 1 LIMIT 2") == ["2", "3"]
    assert ask("SELECT VALUE c.id FROM c ORDER BY c.id DESC OFFSET @a LIMIT @b", a=1, b=2) == ["3", "2"]
    assert error_of("SELECT TOP @n VALUE c.id FROM c", n=-1)[0] == "SC2061"


@pytest.mark.parametrize(
    ("aggregate", "everywhere", "nothing"),
    [
        ("COUNT(1)", [4], [0]),
        ("COUNT(c.name)", [3], [0]),
        ("SUM(c.n)", [0], [0]),
        ("AVG(c.n)", [], []),
        ("MIN(c.n)", [], []),
        ("MAX(c.n)", [], []),
        ("MIN(c.name)", ["Ann"], []),
        ("MAX(c.name)", ["bob"], []),
    ],
)
def test_c121_aggregates_of_everything_of_one_partition_and_of_nothing(people, ask, aggregate, everywhere, nothing):
    same(ask(f"SELECT VALUE {aggregate} FROM c"), everywhere)
    same(ask(f"SELECT VALUE {aggregate} FROM c WHERE false"), nothing)
    alone = list(people.query_items(f"SELECT VALUE {aggregate} FROM c", partition_key="1"))
    assert alone == {"COUNT(1)": [1], "COUNT(c.name)": [1], "SUM(c.n)": [0]}.get(
        aggregate, ["Ann"] if "name" in aggregate else []
    )


def test_c121_sums_and_means_of_numbers(ask):
    same(ask("SELECT VALUE SUM(c.age) FROM c WHERE IS_NUMBER(c.age)"), [85])
    same(ask("SELECT VALUE AVG(c.age) FROM c WHERE c.age = 30 OR c.age = 25"), [85 / 3])
    same(ask("SELECT VALUE MIN(c.age) FROM c WHERE IS_NUMBER(c.age)"), [25])
    same(ask("SELECT VALUE MAX(c.age) FROM c WHERE IS_NUMBER(c.age)"), [30])


def test_c122_what_cannot_be_added_up_or_ordered_is_undefined(ask):
    assert ask("SELECT VALUE SUM(c.age) FROM c") == []
    assert ask("SELECT SUM(c.age) AS s, AVG(c.age) AS a, COUNT(1) AS n FROM c") == [{"n": 4}]
    assert ask("SELECT VALUE SUM(c.address.none) FROM c") == [0]
    assert ask("SELECT VALUE MIN(c.tags) FROM c") == []
    assert ask("SELECT VALUE MAX(c.address) FROM c") == []
    assert ask("SELECT VALUE MIN(c.age) FROM c") == [25]
    assert ask("SELECT VALUE MAX(c.age) FROM c") == ["old"]


def test_c123_group_by_takes_expressions_and_several_aggregates(ask, error_of):
    query = "SELECT c.age, COUNT(1) AS n, MIN(c.name) AS first, MAX(c.name) AS last FROM c GROUP BY c.age"
    assert ask(query) == [
        {"age": 30, "n": 2, "first": "Ann", "last": "Cy_"},
        {"age": 25, "n": 1, "first": "bob", "last": "bob"},
        {"age": "old", "n": 1},
    ]
    assert ask("SELECT UPPER(c.address.city) AS city, COUNT(1) AS n FROM c GROUP BY UPPER(c.address.city)") == [
        {"city": "ULM", "n": 1},
        {"n": 2},
        {"city": "BONN", "n": 1},
    ]
    assert ask("SELECT VALUE COUNT(1) FROM c GROUP BY IS_NUMBER(c.age)") == [3, 1]
    assert error_of("SELECT * FROM c GROUP BY c.age")[0] == "SC2041"


def test_c124_distinct_compares_deeply(database, ask):
    container = database.create_container("values", PartitionKey("/id"))
    for number, text in enumerate(['{"a":1,"b":2}', '{"b":2.0,"a":1}', "1", "1.0", "true", "[1]", "[1.0]", "null"]):
        container.create_item({"id": str(number), "v": json.loads(text)})
    rows = list(container.query_items("SELECT DISTINCT VALUE c.v FROM c", **EVERYWHERE))
    same(rows, [{"a": 1, "b": 2}, 1, True, [1], None])
    assert len(list(container.query_items("SELECT DISTINCT c.v FROM c", **EVERYWHERE))) == 5
    assert ask("SELECT DISTINCT c.age FROM c") == [{"age": 30}, {"age": 25}, {"age": "old"}]


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        ("SELECT c.id, t FROM c JOIN t IN c.tags WHERE c.id = '1'", [{"id": "1", "t": "x"}, {"id": "1", "t": "y"}]),
        ("SELECT VALUE c.id FROM c JOIN t IN c.tags", ["1", "1", "3", "3"]),
        ("SELECT VALUE [a, b] FROM c JOIN a IN c.tags JOIN b IN c.address.zips", [["x", "1"], ["x", "2"], ["y", "1"], ["y", "2"]]),  # noqa: E501  # one case, one line
        ("SELECT VALUE t FROM c JOIN p IN c.pets JOIN t IN p.toys", ["ball", "mouse"]),
        ("SELECT VALUE t FROM c JOIN (SELECT VALUE t FROM t IN c.tags WHERE t > 'x') AS t", ["y", "y", "z"]),
        ("SELECT VALUE t FROM t IN c.tags", ["x", "y", "y", "z"]),
        ("SELECT VALUE a.city FROM c.address a", ["Ulm", "Bonn"]),
    ],
)  # fmt: skip
def test_c125_joins_go_over_arrays(ask, query, rows):
    assert ask(query) == rows


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        ("SELECT VALUE c.id FROM c WHERE EXISTS(SELECT VALUE t FROM t IN c.tags WHERE t = 'y')", ["1", "3"]),
        ("SELECT VALUE c.id FROM c WHERE NOT EXISTS(SELECT VALUE t FROM t IN c.tags)", ["2", "4"]),
        ("SELECT VALUE ARRAY(SELECT VALUE UPPER(t) FROM t IN c.tags) FROM c WHERE c.id = '1'", [["X", "Y"]]),
        ("SELECT VALUE (SELECT VALUE t FROM t IN c.tags WHERE t > 'x') FROM c", ["y", "y"]),
        ("SELECT c.id, (SELECT VALUE COUNT(1) FROM t IN c.tags) AS n FROM c WHERE c.id < '3'", [{"id": "1", "n": 2}, {"id": "2", "n": 0}]),  # noqa: E501  # one case, one line
        ("SELECT VALUE c.id FROM c WHERE (SELECT VALUE COUNT(1) FROM t IN c.tags) = 2", ["1", "3"]),
    ],
)  # fmt: skip
def test_c126_subqueries_see_the_row_around_them(ask, query, rows):
    assert ask(query) == rows


@pytest.mark.parametrize(
    ("query", "code", "place"),
    [
        ("SELECT VALUE c.id FRM c", "SC1001", (18, 21)),
        ("SELECT * FROM c WHERE", "SC1001", (21, 21)),
        ("SELECT VALUE NOPE(c.id) FROM c", "SC2005", (13, 23)),
        ("SELECT VALUE udf.f(c.id) FROM c", "SC2005", (13, 18)),
        ("SELECT VALUE x.id FROM c", "SC2001", (13, 14)),
        ("SELECT VALUE ABS() FROM c", "SC2050", (13, 18)),
    ],
)
def test_c130_errors_have_a_code_and_a_place(error_of, query, code, place):
    assert error_of(query) == (code, place)


@pytest.mark.parametrize(
    "query",
    [
        "SELECT VALUE c.address.city FROM c WHERE c.id = '1'",
        "SELECT VALUE c['address'][\"city\"] FROM c WHERE c['id'] = \"1\"",
        "select value r.address.city from root r where r.id = '1'",
        "SELECT VALUE Families.address.city FROM Families WHERE Families.id = '1'",
        "SELECT VALUE f.address.city FROM Families f WHERE f.id = '1'",
        "SeLeCt VaLuE f.address.city FrOm Families As f WhErE f.id = '1'",
        "SELECT VALUE c.address.city -- the town\nFROM c /* all */ WHERE c.id = '1'",
        "SELECT VALUE 'U\\u006cm' FROM c WHERE c.tags[0] = 'x' AND c.tags[1] = \"y\"",
        "SELECT VALUE c.address.city FROM c WHERE 'it''s\\n' != \"\\t\\\"\" AND c.id = '1'",
    ],
)
def test_c131_names_keywords_strings_and_comments_have_many_spellings(ask, query):
    assert ask(query) == ["Ulm"]


def test_c142_a_star_with_a_join_and_an_order_of_groups_are_refused(error_of):
    assert error_of("SELECT * FROM c JOIN t IN c.tags")[0] == "SC1001"
    assert error_of("SELECT c.age FROM c GROUP BY c.age ORDER BY c.age")[0] == "SC1001"


def test_c143_a_query_text_above_512_kb_is_refused(ask, status_of):
    longest = "SELECT VALUE 1 " + " " * (512 * 1024 - 15)
    assert ask(longest) == [1]
    assert status_of(ask, longest + " ")[0] == 400
