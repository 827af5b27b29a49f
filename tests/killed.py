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


class KillAt:
    """A profiler that counts events inside the package and kills this process at the Nth."""

    def __init__(self, wanted: int) -> None:
        self.count = 0
        self._wanted = wanted

    def __call__(self, frame: FrameType, event: str, arg: object) -> None:  # noqa: ARG002
        """Look at one event."""
        if event in ("call", "c_call") and frame.f_code.co_filename.startswith(PACKAGE):
            self.count += 1
            if self.count == self._wanted:
                os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    """Count events, and kill at the one that was asked for."""
    wanted = int(sys.argv.pop(1))
    look = KillAt(wanted)
    sys.setprofile(look)
    try:
        run_main()
    finally:
        sys.setprofile(None)
        if not wanted:
            print(look.count, file=sys.stderr)  # noqa: T201 (this is its result)


if __name__ == "__main__":
    main()
