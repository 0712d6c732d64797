"""Prints how localazure indexes the apps in these folders, as worker_index.py does: `python host_index.py FOLDER...`.

A "refusal" is what the worker would say; what only the host finds wrong (a setting, a schedule) is none.
"""

import json
import sys
from multiprocessing import get_context
from pathlib import Path

from localazure.host.app import load_app


def main():
    with get_context("fork").Pool(1, maxtasksperchild=1) as processes:  # every app has a module `function_app`
        print(json.dumps(dict(zip(sys.argv[1:], processes.map(index, sys.argv[1:], chunksize=1), strict=True))))


def index(root):
    return {function.name: indexed(function) for function in load_app(Path(root), port=0).index.functions}


def indexed(function):
    refusal = next((error for error in function.errors if error.startswith("cannot load the ")), "")
    if refusal:
        return {"refusal": refusal}
    return {
        "script_file": function.script_file,
        "bindings": {binding.name: [binding.type, binding.direction] for binding in function.bindings},
        "raw_bindings": list(function.raw_bindings),
        "retry": retry_of(function.retry),
        "refusal": "",
    }


def retry_of(policy):
    if policy is None:
        return None
    longest = policy.maximum.total_seconds() if policy.is_exponential else None
    return [policy.max_retry_count, policy.is_exponential, policy.minimum.total_seconds(), longest]


main()
