"""Requests that are made again where that may help.

Decides: which requests are repeated, how often, and what is said while waiting. huggingface_hub
does so for some requests, not for those that make a repository, a commit or a tag. Does not know:
what a request is for.
"""

import time
from collections.abc import Callable
from typing import TypeVar

from selfinstruct.errors import SelfInstructError
from selfinstruct.patience import LONGEST_ASKED, Patience
from selfinstruct.publish.faults import Speech, chain

T = TypeVar("T")


class Calls:
    """Makes requests; `say` is told of every wait.

    A Hub that has never answered is asked once: its address may be wrong. `sleep` waits for so
    many seconds.
    """

    def __init__(
        self,
        speech: Speech,
        say: Callable[[str], None],
        patience: Patience = Patience(retries=5, first=1.0),  # noqa: B008 (frozen)
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.speech = speech
        self._say = say
        self._patience = patience
        self._sleep = sleep
        self._answered = False

    def make(self, what: str, once: Callable[[], T]) -> T:
        """Return what `once` returns, which is done again while its faults may pass.

        Raises HubError, and HubLostError when it was done often enough. What is no fault of the
        Hub but ours passes through.
        """
        for attempt in range(1, self._patience.retries + 2):
            try:
                found = once()
            except Exception as error:  # noqa: BLE001 (whatever the client raises has one meaning)
                if ours := next(
                    (e for e in chain(error) if isinstance(e, SelfInstructError)), None
                ):
                    raise ours from None
                fault = self.speech.fault(error, what)
            else:
                self._answered = True
                return found
            self._answered = self._answered or fault.status > 0
            last = attempt > self._patience.retries or not self._answered
            if last or not fault.passing or fault.at_least > LONGEST_ASKED:
                raise fault.error() from None
            wait = self._patience.wait(what, attempt, fault.at_least)
            self._say(f"{fault.message}; again in {wait:.0f} s")
            self._sleep(wait)
        raise AssertionError  # the last attempt returns or raises
