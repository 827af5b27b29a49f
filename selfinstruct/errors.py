"""What can go wrong, as one small tree of errors, each with a hint.

Decides: the exit code of each fault (2 where something given, or around us, has to change first;
75 where trying again may do; 1 where a run did not reach what it was for), and the suggestion for
a misspelt name. Does not know: how errors are printed (that is `cli.main`).
"""

from collections.abc import Iterable
from difflib import get_close_matches


class SelfInstructError(Exception):
    """Anything this program reports in one line; `hint` says what to do next."""

    exit_code = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class InputError(SelfInstructError):
    """The user gave something that cannot be used: a file, an option, a name."""

    exit_code = 2


class RunError(SelfInstructError):
    """A run folder that is locked, damaged, or belongs to another configuration."""

    exit_code = 2


class StorageError(SelfInstructError):
    """The file system refused: read-only, full, no permission."""

    exit_code = 2


class EngineError(SelfInstructError):
    """A model cannot be opened or has stopped answering."""

    exit_code = 2


class EngineLostError(EngineError):
    """A model has stopped in the middle: the same command may go on when it is started again."""

    exit_code = 75  # EX_TEMPFAIL of sysexits.h


class HubError(SelfInstructError):
    """A Hub refuses, or holds something else than what was expected."""

    exit_code = 2


class HubLostError(HubError):
    """A Hub does not answer, or not now: the same command may go on later."""

    exit_code = 75


def unknown_name(what: str, given: str, known: Iterable[str], *, hint: str = "") -> InputError:
    """Build the error for a name outside a closed list, suggesting the closest one."""
    names = sorted(known)
    close = get_close_matches(given, names, n=1, cutoff=0.5)
    suggestion = f"; did you mean {close[0]!r}?" if close else ""
    return InputError(
        f"unknown {what} {given!r}{suggestion}",
        hint=hint or f"known: {', '.join(names)}",
    )
