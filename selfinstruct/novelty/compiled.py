"""Compiled functions, and where the compiled code is kept between runs.

Decides: the options of the compiler, and the folder: one for each state of the sources. numba
asks only whether the file of a function has changed, and ours call one another across files, so
that code of before an update could stay in use. Does not know: what is compiled.

Compiling takes some 8 s, reading what is kept half a second. Where no folder can be written to,
every process compiles for itself.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from numba import config, njit
from platformdirs import user_cache_path

from selfinstruct.task import digest

Function = TypeVar("Function", bound=Callable[..., Any])


def kernel(function: Function) -> Function:
    """Compile a function when it is first called; it lets other threads run meanwhile."""
    return _compiled(function, {})


def inlined(function: Function) -> Function:
    """Compile a small function into each of its callers."""
    return _compiled(function, {"inline": "always"})


def _compiled(function: Function, options: dict[str, Any]) -> Function:
    """Compile, with a place to keep the code if there is one."""
    folder = _folder()
    with _kept_in(folder):
        compiled: Function = njit(cache=bool(folder), nogil=True, **options)(function)
        return compiled


@cache
def _folder() -> str:
    """Return the folder for the code of these sources, made if need be; "" if it cannot be."""
    here = Path(__file__).parent
    sources = sorted([*here.glob("*.py"), *here.glob("*/*.py")])
    state = digest("".join(path.read_text(encoding="utf-8") for path in sources))
    base = Path(config.CACHE_DIR) if config.CACHE_DIR else user_cache_path("selfinstruct") / "numba"
    try:
        (base / state).mkdir(parents=True, exist_ok=True)
    except OSError:
        return ""
    return str(base / state) if os.access(base / state, os.W_OK | os.X_OK) else ""


@contextmanager
def _kept_in(folder: str) -> Iterator[None]:
    """Have numba keep what is decorated here in a folder; its own setting comes back after."""
    before = config.CACHE_DIR
    config.CACHE_DIR = folder
    try:
        yield
    finally:
        config.CACHE_DIR = before
