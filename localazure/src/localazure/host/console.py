"""What a person sees at the terminal when the host starts."""

from __future__ import annotations

import sys

from localazure.host.http.describe import banner_line
from localazure.host.index import Index


def print_functions(index: Index, base_url: str, route_prefix: str) -> None:
    """The block `Functions:` as `func start` prints it; scripts read it, so it goes to standard output."""
    lines = ["", "Functions:", ""]
    for function in index.functions:
        if function.is_runnable:
            lines += [f"\t{banner_line(function, base_url, route_prefix)}", ""]
    print("\n".join(lines), file=sys.stdout, flush=True)
