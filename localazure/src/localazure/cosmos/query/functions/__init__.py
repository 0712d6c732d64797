"""The functions of the query language, gathered from one module per group."""

from __future__ import annotations

from typing import Final

from localazure.cosmos.query.functions import arrays, dates, maths, strings, types
from localazure.cosmos.query.functions.registry import Function

FUNCTIONS: Final[dict[str, Function]] = {
    function.name: function for group in (types, strings, arrays, maths, dates) for function in group.GROUP
}

__all__ = ["FUNCTIONS", "Function"]
