"""The processes that vLLM starts, and what they say.

Decides: that they write into a log of ours instead of the user's terminal, run `child` first
instead of the user's script, and end when a start fails. Does not know: what they compute.

Python's multiprocessing runs the main module of its parent again in every process it spawns.
While vLLM starts, that is `child`: so no `__main__` guard is needed around an engine.
"""

import fcntl
import logging
import multiprocessing
import os
import re
import signal
import sys
import tempfile
import textwrap
import threading
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib import import_module
from multiprocessing.process import BaseProcess
from types import FrameType
from typing import IO

CHILD = "selfinstruct.engines.vllm.child"
"""The module that vLLM's processes run first; imported only then, as `python -m` asks."""

GRACE = 3
"""Seconds that a process of vLLM has to end by itself: a stop shall take less than 10 in all."""

_LEVEL = "VLLM_LOGGING_LEVEL"
_FAULT = re.compile(r"\b((?:[a-z_]+\.)*[A-Z]\w*(?:Error|Exception|Interrupt|Exit)): +(\S.*)")
_PYDANTIC = re.compile(r"^\d+ validation errors? for |For further information visit ")
_KIND = re.compile(r" \[type=.*\]$")
_EMPTY = ("core initialization failed", "initialization failed due to", "root cause", "EngineDead")


class Log:
    """What vLLM's processes write; with VLLM_LOGGING_LEVEL set, the user reads it instead."""

    def __init__(self) -> None:
        shown = os.environ.get(_LEVEL)
        self._file = None if shown else tempfile.TemporaryFile()  # noqa: SIM115 (until `close`)
        self._read_from = 0
        if self._file:  # several processes write into it
            flags = fcntl.fcntl(self._file, fcntl.F_GETFL)
            fcntl.fcntl(self._file, fcntl.F_SETFL, flags | os.O_APPEND)

    def hush(self) -> None:
        """Keep vLLM's part of our own process quiet: what matters of it is raised."""
        if self._file:
            logging.getLogger("vllm").setLevel(logging.CRITICAL)

    @contextmanager
    def collecting(self) -> Iterator[None]:
        """Send what is written to our streams, and by processes started here for good, to it."""
        target = self._file.fileno() if self._file else _stream(sys.stderr)
        os.environ.setdefault("VLLM_LOGGING_STREAM", "ext://sys.stderr")  # its default is stdout
        if self._file:
            os.environ[_LEVEL] = "WARNING"
        saved = {number: os.dup(number) for number in (1, 2) if _is_open(number)}
        try:
            for number in saved:
                _flush()
                if target is not None:
                    os.dup2(target, number)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # its libraries deprecate one another
                yield
        finally:
            _flush()
            for number, copy in saved.items():
                os.dup2(copy, number)
                os.close(copy)
            if self._file:
                del os.environ[_LEVEL]  # set means: by the user

    def mark(self) -> None:
        """Say that all is well: what is in it so far explains no fault to come."""
        if self._file:
            self._read_from = os.fstat(self._file.fileno()).st_size

    def fault(self) -> str:
        """Return the last error in it, since the mark, that says something; or nothing."""
        if not self._file:
            return ""
        number = self._file.fileno()
        most = os.fstat(number).st_size - self._read_from
        return last_fault(os.pread(number, most, self._read_from).decode(errors="replace"))

    def close(self) -> None:
        """Forget it."""
        if self._file:
            self._file.close()


def plain(text: str) -> str:
    """Return an error's text without what pydantic adds to it, and not pages of it."""
    lines = [line for line in text.splitlines() if not _PYDANTIC.search(line)]
    kept = (_KIND.sub("", line).removeprefix("  Value error, ").strip() for line in lines)
    return textwrap.shorten(" ".join(kept), 400, placeholder=" …")


def is_pointer(said: str) -> bool:
    """Say whether an error only points to another one."""
    return any(word in said for word in _EMPTY)


def last_fault(text: str) -> str:
    """Return the last "SomeError: what" in a log that is not only a pointer to another error."""
    for line in reversed(text.splitlines()):
        found = _FAULT.search(line)
        if found and not is_pointer(found.group(2)):
            return plain(f"{found.group(1)}: {found.group(2)}")
    return ""


class _Stopped(BaseException):
    """A signal, under a name of ours: while it starts, vLLM swallows a KeyboardInterrupt."""


@contextmanager
def followers() -> Iterator[list[BaseProcess]]:
    """Make processes spawned in this block ours: they follow, and end if the block fails.

    The list that it gives has them when the block has ended.
    """
    started: list[BaseProcess] = []
    os.environ.setdefault("VLLM_WORKER_MULTIPROC_METHOD", "spawn")
    before = set(multiprocessing.active_children())
    main = sys.modules["__main__"]
    sys.modules["__main__"] = import_module(CHILD)
    try:
        with _signals(before):
            yield started
        started.extend(_since(before))
    except BaseException:
        _kill(before)
        raise
    finally:
        sys.modules["__main__"] = main


@contextmanager
def _signals(before: set[BaseProcess]) -> Iterator[None]:
    """Let Ctrl-C and SIGTERM end the block at once, then do what they did before it."""
    if threading.current_thread() is not threading.main_thread():
        yield  # signals come to the main thread alone
        return
    found = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    handlers = {number: handler for number, handler in found.items() if callable(handler)}

    def stop(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 (a handler)
        _kill(before)  # or vLLM would wait for them to end by themselves
        raise _Stopped(number)

    for number in handlers:
        signal.signal(number, stop)
    try:
        yield
    except _Stopped as stopped:
        handlers[stopped.args[0]](stopped.args[0], None)
        raise KeyboardInterrupt from stopped
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


def _kill(before: set[BaseProcess]) -> None:
    """End the processes that have been started since; theirs follow them."""
    kill(_since(before))


def _since(before: set[BaseProcess]) -> list[BaseProcess]:
    return [process for process in multiprocessing.active_children() if process not in before]


def kill(processes: Iterable[BaseProcess]) -> None:
    """End processes, or what vLLM has left of them."""
    for process in processes:
        process.kill()
        process.join()


def _is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True


def _stream(stream: IO[str]) -> int | None:
    """Return the number of a stream, unless it is no file (in a notebook)."""
    try:
        return stream.fileno()
    except (OSError, ValueError, AttributeError):
        return None


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()
