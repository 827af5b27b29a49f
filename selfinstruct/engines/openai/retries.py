"""When a request to a server is made again, when to give up, and when the server is gone.

Decides: that a prompt which fails alone is that prompt's fault, but one that fails while nobody is
answered is the server's. Does not know: how a request is made or what it asks, or how long to wait
between two.
"""

import asyncio
from collections.abc import Awaitable, Callable
from itertools import count
from typing import TypeVar

from selfinstruct.patience import Patience

T = TypeVar("T")

_PASSING = frozenset({408, 409, 429})


class TransientError(Exception):
    """A fault that may pass: the same request can succeed later.

    `status` is the HTTP status, 0 where none came. `at_least` are the seconds that the server
    asked us to wait.
    """

    def __init__(self, reason: str, *, status: int = 0, at_least: float = 0.0) -> None:
        super().__init__(reason)
        self.status = status
        self.at_least = at_least


class RefusedError(Exception):
    """The server will not answer this request, however often it is made."""


async def persist(once: Callable[[int], Awaitable[T]], patience: Patience, key: str) -> T:
    """Return what `once` returns; it is given the number of the attempt.

    Raises the TransientError of the last attempt.
    """
    for attempt in count(1):
        try:
            return await once(attempt)
        except TransientError as fault:
            if attempt > patience.retries:
                raise
            wait = patience.wait(key, attempt, fault.at_least)
        await asyncio.sleep(wait)
    raise AssertionError  # count() does not end


def is_transient(status: int) -> bool:
    """Say whether an HTTP status may be another one later."""
    return status in _PASSING or status >= 500


class Circuit:
    """What all prompts of one stage know together: whether the server answers anybody.

    Requests are numbered as they begin. An answer speaks for the server only from the time when
    its request began: replies to older ones can still arrive after a crash.
    """

    def __init__(self) -> None:
        self.begun = 0
        self._answered = 0
        self._turn = asyncio.Lock()
        self._gone: TransientError | None = None

    async def count(self, request: Awaitable[T]) -> T:
        """Make a request and return what it returns."""
        self.begun += 1
        number = self.begun
        answer = await request
        self._answered = max(self._answered, number)
        return answer

    async def check(self, since: int, probe: Callable[[], Awaitable[object]]) -> int:
        """Return how many requests it took to learn that the server answers others.

        None where it answered one that began after number `since`, else one: `probe`, which tells
        a prompt that no server could answer from a server that is gone. Raises its
        TransientError.
        """
        async with self._turn:
            if self._gone:
                raise self._gone
            if self._answered > since:
                return 0
            try:
                await self.count(probe())
            except TransientError as fault:
                self._gone = fault
                raise
            return 1
