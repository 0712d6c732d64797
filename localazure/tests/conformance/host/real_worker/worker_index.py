"""Prints how Microsoft's worker library indexes the apps in these folders: `python worker_index.py FOLDER...`.

One JSON object: {folder: {name: {"script_file", "bindings", "raw_bindings", "retry", "refusal"}}}. Each function is
indexed alone, because the worker gives up the whole app for the first one that it refuses; of such a one there is only
the "refusal".
"""

import json
import os
import sys
from multiprocessing import get_context
from types import SimpleNamespace

from azure_functions_runtime.bindings.meta import load_binding_registry
from azure_functions_runtime.functions import FunctionLoadError, Registry
from azure_functions_runtime.loader import index_function_app, process_indexed_function

DIRECTIONS = ("in", "out")


class BindingInfo(SimpleNamespace):
    """Stands for the message of that name, which the worker is handed by the process around it."""

    out, inout, undefined = 1, 2, 0


PROTOS = SimpleNamespace(BindingInfo=BindingInfo, RpcFunctionMetadata=SimpleNamespace, RpcRetryOptions=SimpleNamespace)


def main():
    load_binding_registry()
    with get_context("fork").Pool(1, maxtasksperchild=1) as processes:  # every app has a module `function_app`
        print(json.dumps(dict(zip(sys.argv[1:], processes.map(index, sys.argv[1:], chunksize=1), strict=True))))


def index(root):
    os.chdir(root)
    sys.path.insert(0, root)
    functions = index_function_app("function_app.py")
    return {function.get_function_name(): indexed(function, root) for function in functions}


def indexed(function, root):
    try:
        (metadata,), _ = process_indexed_function(PROTOS, Registry(), [function], root)
    except FunctionLoadError as error:
        return {"refusal": str(error)}
    return {
        "script_file": metadata.script_file,
        "bindings": {name: [info.type, DIRECTIONS[info.direction]] for name, info in metadata.bindings.items()},
        "raw_bindings": [json.loads(text) for text in metadata.raw_bindings],
        "retry": retry_of(metadata.retry_options),
        "refusal": "",
    }


def retry_of(options):
    """[count, is exponential, first delay and longest delay in seconds], or None."""
    if options is None:
        return None
    is_exponential = options.retry_strategy == "exponential_backoff"
    first = options.minimum_interval if is_exponential else options.delay_interval
    longest = options.maximum_interval.total_seconds() if is_exponential else None
    return [options.max_retry_count, is_exponential, first.total_seconds(), longest]


main()
