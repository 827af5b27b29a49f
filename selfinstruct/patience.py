"""How long to leave a server alone between two requests.

Decides: that waits double and are spread, that what the server asks for counts, and that none is
endless. Does not know: which request is made again, or why.
"""

from collections.abc import Mapping
from contextlib import suppress
from email.utils import parsedate_to_datetime
from random import Random

import msgspec

LONGEST_BACKOFF = 60.0
"""Seconds that a wait doubles up to."""

LONGEST_ASKED = 600.0
"""Seconds a server may ask us to wait: longer, and the next request asks it again."""


class Patience(msgspec.Struct, frozen=True):
    """How often a request is made again, and the seconds before the first time."""

    retries: int = 6
    first: float = 0.5

    def wait(self, key: str, attempt: int, at_least: float = 0.0) -> float:
        """Return the seconds between an attempt (from 1) and the next.

        They double, and are spread by the key, so that prompts which failed together do not come
        back together: also not when the server named a time.
        """
        doubled = min(self.first * 2.0 ** min(attempt - 1, 32), LONGEST_BACKOFF)
        spread = doubled * Random(f"{key}/{attempt}").uniform(0.5, 1.0)  # noqa: S311 (no secret)
        return min(max(at_least, 0.0), LONGEST_ASKED) + spread


def asked_wait(headers: Mapping[str, str]) -> float:
    """Return the seconds that a response asks to wait; 0 where it does not, or not readably.

    A date counts from the response's own date: two clocks need not agree.
    """
    given = headers.get("retry-after", "")
    with suppress(ValueError):
        if "retry-after-ms" in headers:
            return max(0.0, float(headers["retry-after-ms"]) / 1000)
        return max(0.0, float(given))
    try:
        then, now = (parsedate_to_datetime(text) for text in (given, headers["date"]))
        return max(0.0, (then - now).total_seconds())
    except (ValueError, TypeError, KeyError, OverflowError):
        return 0.0
