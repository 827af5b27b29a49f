"""The run folder: what is frozen, what is finished, and how a killed run goes on.

Decides: that who only reads finished rounds does not wait for what plays them to be imported.
"""

from typing import TYPE_CHECKING

from selfinstruct.run.markers import (
    Marker,
    finished_rows,
    read_markers,
    require_run,
    seconds_by_round,
)

if TYPE_CHECKING:
    from selfinstruct.run.create import begun_licence
    from selfinstruct.run.folder import Outcome, Run

__all__ = [
    "Marker",
    "Outcome",
    "Run",
    "begun_licence",
    "finished_rows",
    "read_markers",
    "require_run",
    "seconds_by_round",
]


def __getattr__(name: str) -> object:
    """Import what is asked for by name."""
    if name in ("Outcome", "Run"):
        from selfinstruct.run import folder  # noqa: PLC0415 (slow to import)

        return getattr(folder, name)
    if name == "begun_licence":
        from selfinstruct.run.create import begun_licence  # noqa: PLC0415 (slow to import)

        return begun_licence
    message = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(message)
