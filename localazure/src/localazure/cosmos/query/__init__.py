"""The query language of Cosmos DB for NoSQL, as a pure function from documents to rows.

Text becomes tokens (`lexer`), a tree (`parser`, `expressions`, `nodes`) and closures (`compile`, `select`), once per
text; `plan` splits a query for a client that asks every partition itself. Nothing here reads a clock or a store:
documents, parameters and the time are arguments.

>>> compile_query("SELECT VALUE c.n FROM c WHERE c.n > @least").run(documents, {"@least": 1}, now)
"""

from localazure.cosmos.query.bounds import Bounds
from localazure.cosmos.query.compiled import CompiledQuery, compile_query
from localazure.cosmos.query.errors import QueryError
from localazure.cosmos.query.places import Place, Row
from localazure.cosmos.query.plan import needs_plan, query_plan
from localazure.cosmos.query.values import UNDEFINED

__all__ = [
    "UNDEFINED",
    "Bounds",
    "CompiledQuery",
    "Place",
    "QueryError",
    "Row",
    "compile_query",
    "needs_plan",
    "query_plan",
]
