"""Kill a move of tasks at each event inside the package, and mend it in two ways.

Usage: python killed_move.py RUN WORK. Every other task of RUN is refused, in a copy of it in the
folder WORK; see killed.py for what an event is. While rows are only read and copied, every
seventh event will do. Prints how many kills there were before the commit, and after it.
"""

import os
import shutil
import signal
import sys
from pathlib import Path

from killed import KillAt

from selfinstruct.errors import RunError
from selfinstruct.run import finished_rows, read_markers
from selfinstruct.run.markers import PENDING
from selfinstruct.run.remove import BUILDING, Evidence, Reason, remove, taken
from selfinstruct.sift import Rejected
from selfinstruct.task import Task

REASON = Reason("test", "even")


def move(run: Path, ids: set[str]) -> None:
    """Refuse the tasks with these ids, as far as they are still in the pool."""
    with taken(run) as markers:
        tasks = enumerate(finished_rows(run, "pool", Task))
        gone = {place: Evidence("why") for place, task in tasks if task.id in ids}
        if gone:
            remove(run, markers, gone, REASON)


def killed(run: Path, ids: set[str], wanted: int) -> bool:
    """Move in a process that dies at an event; say whether there was one to die at."""
    child = os.fork()
    if not child:
        sys.setprofile(KillAt(wanted))
        move(run, ids)
        sys.setprofile(None)
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    assert status in (0, signal.SIGKILL), status
    return os.WIFSIGNALED(status)


def content(run: Path) -> dict[str, bytes]:
    """Return all files of a run but for the lock."""
    paths = [path for path in sorted(run.rglob("*")) if path.is_file() and path.name != ".lock"]
    return {str(path.relative_to(run)): path.read_bytes() for path in paths}


def check(run: Path, copy: Path, new: dict[str, bytes], ids: set[str]) -> bool:
    """Check what a killed move has left in a copy, and mend it; say whether it was committed."""
    old, left = content(run), content(copy)
    committed = (copy / PENDING).exists() or left == new
    if (copy / PENDING).exists():
        try:
            read_markers(copy)
            raise AssertionError("half a move was read")
        except RunError:
            pass
    else:
        assert {k: v for k, v in left.items() if not k.startswith(BUILDING)} in (old, new)
        list(finished_rows(copy, "rejected", Rejected))
    with taken(copy):
        assert content(copy) == (new if committed else old)
    move(copy, ids)
    assert content(copy) == new
    assert sorted(p.name for p in copy.iterdir()) == sorted(p.name for p in run.iterdir())
    return committed


def main() -> None:
    """Kill at a later event each time, until the move comes to its end."""
    run, work = Path(sys.argv[1]), Path(sys.argv[2])
    ids = {task.id for task in list(finished_rows(run, "pool", Task))[::2]}
    copy = work / "copy"
    shutil.copytree(run, copy)
    move(copy, ids)
    new, kills = content(copy), [0, 0]
    event = 1
    while True:
        shutil.rmtree(copy)
        shutil.copytree(run, copy)
        if not killed(copy, ids, event):
            assert content(copy) == new
            break
        near = (copy / BUILDING / "rounds").exists() or (copy / PENDING).exists()
        kills[check(run, copy, new, ids)] += 1
        event += 1 if near or kills[1] else 7
    print(*kills)  # noqa: T201 (this is its result)


if __name__ == "__main__":
    main()
