"""Lets several apps be imported by one process, though each calls its module `function_app`.

While an app lives there, `sys.modules` shows its modules; afterwards, whatever went by the same names before. Modules
that any test could import stay, so that a test which patches one patches what the app uses.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

_NOT_OF_AN_APP = frozenset({"conftest", "localazure"}) | sys.stdlib_module_names


@contextmanager
def modules_of(root: Path, known: dict[str, ModuleType]) -> Iterator[None]:
    """Show the modules in `known`, and none that stand in their way; adds to `known` what is imported meanwhile."""
    names = _top_level_names(root)
    present = _named(names)
    strangers = {name: module for name, module in present.items() if not _is_under(module, root)}
    for name in strangers:
        del sys.modules[name]
    sys.modules.update({name: module for name, module in known.items() if name not in sys.modules})
    try:
        yield
    finally:
        known.update({name: module for name, module in _named(names).items() if _is_under(module, root)})
        if strangers or not _is_importable(root):
            for name in known.keys() - present.keys():
                sys.modules.pop(name, None)
        sys.modules.update(strangers)


def _top_level_names(root: Path) -> frozenset[str]:
    scripts = {path.stem for path in root.glob("*.py")}
    packages = {path.parent.name for path in root.glob("*/__init__.py")}
    return frozenset(scripts | packages) - _NOT_OF_AN_APP


def _named(names: frozenset[str]) -> dict[str, ModuleType]:
    return {name: module for name, module in sys.modules.items() if name.partition(".")[0] in names}


def _is_importable(root: Path) -> bool:
    return any(Path(entry).resolve() == root for entry in sys.path)


def _is_under(module: ModuleType, root: Path) -> bool:
    file = getattr(module, "__file__", None)
    return file is not None and Path(file).is_relative_to(root)
