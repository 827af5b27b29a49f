"""Run the command line and kill this process at its Nth event inside the package.

Usage: python killed.py N ARGS… An event is a call of, or from, a function of the package, so a
kill falls between any two steps, also between writing a row and its fsync. With N = 0 nothing
is killed and the number of events is printed to standard error.
"""

import os
import signal
import sys
from pathlib import Path
from types import FrameType

import selfinstruct
from selfinstruct.cli.main import run_main

PACKAGE = str(Path(selfinstruct.__file__).parent)


def main() -> None:
    """Count events, and kill at the one that was asked for."""
    wanted = int(sys.argv.pop(1))
    count = 0

    def look(frame: FrameType, event: str, arg: object) -> None:  # noqa: ARG001 (a profiler)
        nonlocal count
        if event in ("call", "c_call") and frame.f_code.co_filename.startswith(PACKAGE):
            count += 1
            if count == wanted:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.setprofile(look)
    try:
        run_main()
    finally:
        sys.setprofile(None)
        if not wanted:
            print(count, file=sys.stderr)  # noqa: T201 (this is its result)


if __name__ == "__main__":
    main()
