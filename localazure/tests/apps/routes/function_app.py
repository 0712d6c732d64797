"""One function per route constraint, each at `/api/<constraint's own number>/<value>`."""

import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)

CONSTRAINTS = [
    "int",
    "long",
    "bool",
    "datetime",
    "decimal",
    "double",
    "float",
    "guid",
    "alpha",
    "min(3)",
    "max(3)",
    "range(2,4)",
    "length(3)",
    "length(2,3)",
    "minlength(2)",
    "maxlength(2)",
    "regex(^a+b$)",
    "required",
    "int:min(1)",
]


def value_of(req: func.HttpRequest) -> str:
    return req.route_params["value"]


for number, constraint in enumerate(CONSTRAINTS):
    app.function_name(f"f{number}")(app.route(route=f"{number}/{{value:{constraint}}}")(value_of))


@app.route(route="mixed/file-{id:int}.{ext}")
def mixed(req: func.HttpRequest) -> str:
    return f"{req.route_params['id']} {req.route_params['ext']}"


@app.route(route="default/{size=small}")
def default(req: func.HttpRequest) -> str:
    return req.route_params["size"]


@app.route(route="deep/{**rest}")
def deep(req: func.HttpRequest) -> str:
    return req.route_params.get("rest", "nothing")
