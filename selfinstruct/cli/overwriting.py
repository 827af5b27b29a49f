"""Names that would cost rows: what is read from, or written twice.

Decides: which names are refused. Does not know: what is read or written.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

from selfinstruct.errors import InputError


def refuse_overwriting(sources: Iterable[Path], targets: Mapping[str, Path | None]) -> None:
    """Raise InputError for a target (by its option) that is a source, or another target."""
    taken = {path.resolve() for path in sources}
    for option, path in targets.items():
        if path is None:
            continue
        if path.resolve() in taken:
            message = f"{option} {path} is read from or written already, and would be lost"
            raise InputError(message, hint="give another name; move it over when you are sure")
        taken.add(path.resolve())
