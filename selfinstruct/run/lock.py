"""The lock of a run folder: one process at a time writes it."""

from pathlib import Path

from filelock import FileLock, Timeout

from selfinstruct.errors import RunError
from selfinstruct.storage import storage_error


def locked(folder: Path) -> FileLock:
    """Create the folder if need be and lock it; raise RunError when another process has it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / ".lock")
        lock.acquire(timeout=0)
    except Timeout as error:
        hint = "wait for the other process to end, or give this one its own folder with --out"
        raise RunError(f"{folder} is in use by another process", hint=hint) from error
    except OSError as error:
        raise storage_error(error, folder) from error
    return lock
