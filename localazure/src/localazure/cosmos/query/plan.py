"""How a query over several partitions is split for a client that merges the pieces itself.

The client sends the rewritten query to every partition, orders the rows by `orderByItems` or adds up the aggregates,
and applies DISTINCT, OFFSET, LIMIT and TOP to what comes out. Texts are cut out of the query by the places of the
nodes, so that what the client sends back is spelt as it was written.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from localazure.cosmos.query.bounds import Bounds
from localazure.cosmos.query.compiled import compile_query
from localazure.cosmos.query.errors import UNSUPPORTED_FEATURE, QueryError
from localazure.cosmos.query.lexer import FILTER_PLACEHOLDER
from localazure.cosmos.query.nodes import Call, Node, Query
from localazure.cosmos.query.select import aggregates_of

# Name of an aggregate in a plan, and the select expression that gives the client its share of one partition.
_AGGREGATES: Final = {
    "COUNT": ("Count", '[{{"item": COUNT({x})}}]'),
    "COUNTIF": ("CountIf", '[{{"item": COUNTIF({x})}}]'),
    "SUM": ("Sum", '[{{"item": SUM({x})}}]'),
    "AVG": ("Average", '[{{"item": {{"sum": SUM({x}), "count": COUNT({x})}}}}]'),
    "MIN": ("Min", '[{{"item": MIN({x}), "item2": {{"min": MIN({x}), "count": COUNT({x})}}}}]'),
    "MAX": ("Max", '[{{"item": MAX({x}), "item2": {{"max": MAX({x}), "count": COUNT({x})}}}}]'),
}
_REFUSED_AGGREGATES: Final = {"MAKELIST": "MakeList", "MAKESET": "MakeSet"}


def needs_plan(text: str) -> bool:
    """Whether the rows of several partitions have to be merged and not only joined. Raises QueryError."""
    tree = compile_query(text).tree
    bounded = tree.top is not None or tree.limit is not None
    return bool(bounded or tree.distinct or tree.order_by or tree.group_by or aggregates_of(tree.select))


def query_plan(text: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The execution plan of a query, version 2.

    Raises QueryError for what the client cannot merge, naming the feature: GroupBy, MultipleAggregates,
    NonValueAggregate, MakeList, MakeSet or SubqueryWithoutAlias.
    """
    compiled = compile_query(text)
    tree, bounds = compiled.tree, compiled.bounds(parameters)
    aggregate = _only_aggregate(tree)
    return {
        "partitionedQueryExecutionInfoVersion": 2,
        "queryInfo": {
            "distinctType": _distinct_type(tree),
            "top": bounds.top,
            "offset": bounds.offset if tree.offset is not None else None,
            "limit": bounds.limit,
            "orderBy": ["Descending" if key.descending else "Ascending" for key in tree.order_by],
            "orderByExpressions": [_cut(text, key.expression) for key in tree.order_by],
            "groupByExpressions": [],
            "groupByAliases": [],
            "aggregates": [_AGGREGATES[aggregate.name][0]] if aggregate else [],
            "groupByAliasToAggregateType": {},
            "rewrittenQuery": _rewritten(text, tree, bounds, aggregate),
            "hasSelectValue": _has_value(tree),
            "hasNonStreamingOrderBy": False,
            "dCountInfo": None,
        },
        "queryRanges": [{"min": "", "max": "FF", "isMinInclusive": True, "isMaxInclusive": False}],
    }


def _has_value(tree: Query) -> bool:
    return isinstance(tree.select, Node)


def _only_aggregate(tree: Query) -> Call | None:
    """The aggregate that is the whole of SELECT VALUE, None without any."""
    found = aggregates_of(tree.select)
    if tree.group_by:
        raise _unsupported("GroupBy", tree)
    if len(found) > 1:
        raise _unsupported("MultipleAggregates", tree)
    if not found:
        return None
    aggregate = found[0]
    if aggregate is not tree.select:
        raise _unsupported("NonValueAggregate", tree)
    if aggregate.name in _REFUSED_AGGREGATES:
        raise _unsupported(_REFUSED_AGGREGATES[aggregate.name], tree)
    return aggregate


def _unsupported(feature: str, tree: Query) -> QueryError:
    message = f"Query contains 1 or more unsupported features. The client does not support the feature {feature}."
    return QueryError(UNSUPPORTED_FEATURE, message, *tree.select_span)


def _distinct_type(tree: Query) -> str:
    """Equal rows are neighbours, as Ordered demands, when everything selected is a sort key."""
    if not tree.distinct:
        return "None"
    keys = {key.expression for key in tree.order_by}
    selected = [item.expression for item in tree.select] if isinstance(tree.select, tuple) else [tree.select]
    return "Ordered" if all(expression in keys for expression in selected) else "Unordered"


def _cut(text: str, node: Node) -> str:
    start, end = node.span
    return text[start:end]


def _rewritten(text: str, tree: Query, bounds: Bounds, aggregate: Call | None) -> str:
    if aggregate:
        share = _AGGREGATES[aggregate.name][1].format(x=_cut(text, aggregate.arguments[0]))
        where = [f"({_cut(text, tree.where)})"] if tree.where else []
        return _joined(f"SELECT VALUE {share}", _from(text, tree), where)
    if tree.order_by:
        return _with_order_items(text, tree, bounds)
    return _with_wider_bounds(text, tree, bounds)


def _joined(select: str, source: str, conditions: list[str], *rest: str) -> str:
    where = "WHERE " + " AND ".join(conditions) if conditions else ""
    return " ".join(filter(None, (select, source, where, *rest)))


def _from(text: str, tree: Query) -> str:
    if not tree.sources:
        return ""
    return "FROM " + text[tree.sources[0].span[0] : tree.sources[-1].span[1]]


def _with_order_items(text: str, tree: Query, bounds: Bounds) -> str:
    """Rows of sort keys and payload. The client drops repeats, so before DISTINCT no bound may cut rows off."""
    items = ", ".join(f'{{"item": {_cut(text, key.expression)}}}' for key in tree.order_by)
    payload = _payload(text, tree)
    conditions = [f"({_cut(text, tree.where)})"] if tree.where else []
    conditions.append(f"({FILTER_PLACEHOLDER})")
    if _has_value(tree):
        conditions.append(f"IS_DEFINED({payload})")
    top = paging = ""
    if not tree.distinct and bounds.limit is not None:
        paging = f"OFFSET 0 LIMIT {_needed(bounds)}"
    elif not tree.distinct and bounds.top is not None:
        top = f"TOP {bounds.top} "
    order = "ORDER BY " + ", ".join(
        f"{_cut(text, key.expression)} {'DESC' if key.descending else 'ASC'}" for key in tree.order_by
    )
    rid = f"{tree.sources[0].alias}._rid, " if tree.sources and tree.sources[0].alias else ""
    select = f"SELECT {top}{rid}[{items}] AS orderByItems, {payload} AS payload"
    return _joined(select, _from(text, tree), conditions, order, paging)


def _payload(text: str, tree: Query) -> str:
    if tree.select is None:
        if tree.sources[0].alias is None:
            raise _unsupported("SubqueryWithoutAlias", tree)
        return tree.sources[0].alias
    if isinstance(tree.select, tuple):
        members = (f"{json.dumps(item.name)}: {_cut(text, item.expression)}" for item in tree.select)
        return "{" + ", ".join(members) + "}"
    return _cut(text, tree.select)


def _needed(bounds: Bounds) -> int:
    """How many rows of one partition may be among those delivered."""
    return bounds.offset + (bounds.count or 0)


def _with_wider_bounds(text: str, tree: Query, bounds: Bounds) -> str:
    """The query itself with bounds that let through every row that may be needed."""
    if tree.offset is None or tree.limit is None:
        return text
    needed = str(_needed(bounds))
    changes = [(tree.offset.span, "0"), (tree.limit.span, needed)]
    if tree.top is not None:
        changes.append((tree.top.span, needed))
    for (start, end), number in sorted(changes, reverse=True):
        text = text[:start] + number + text[end:]
    return text
