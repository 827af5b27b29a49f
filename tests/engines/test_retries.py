"""How long a server is left alone between two requests."""

import pytest

from selfinstruct.patience import LONGEST_ASKED, Patience, asked_wait


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, 0),
        ({"retry-after": "7"}, 7),
        ({"retry-after": "7", "retry-after-ms": "250"}, 0.25),
        (
            {
                "retry-after": "Wed, 21 Oct 2015 07:28:10 GMT",
                "date": "Wed, 21 Oct 2015 07:28:00 GMT",
            },
            10,
        ),
        (
            {
                "retry-after": "Wed, 21 Oct 2015 07:28:00 GMT",
                "date": "Wed, 21 Oct 2015 07:29:00 GMT",
            },
            0,
        ),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:10 GMT"}, 0),
        ({"retry-after": "soon"}, 0),
        ({"retry-after": "-5"}, 0),
        ({"retry-after-ms": "nan"}, 0),
    ],
)
def test_retry_after_is_read_in_every_form(headers: dict[str, str], seconds: float) -> None:
    """Seconds, milliseconds and dates are understood, and nonsense asks for nothing."""
    assert asked_wait(headers) == seconds


def test_waits_double_are_spread_and_have_bounds() -> None:
    """The same slot waits the same time again; others wait another; none waits for ever."""
    patience = Patience(first=0.5)
    for attempt, most in ((1, 0.5), (2, 1), (3, 2), (8, 60), (1000, 60)):
        waits = {patience.wait(f"k{n}", attempt) for n in range(20)}
        assert len(waits) == 20
        assert all(most / 2 <= wait <= most for wait in waits)
    assert patience.wait("k", 1) == patience.wait("k", 1)
    assert 5 < patience.wait("k", 1, 5) <= 5.5
    assert patience.wait("k", 1, 1e9) <= LONGEST_ASKED + 0.5
