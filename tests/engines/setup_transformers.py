"""The small model in transformers, for the tests of every engine."""

from collections.abc import Iterator
from contextlib import contextmanager

from small_folder import small_folder

from selfinstruct.engines import Engine, Given, open_engine


@contextmanager
def opened() -> Iterator[Engine]:
    """Open the small model with a context that a test can fill."""
    given = Given(("context=2048",), quiet=True)
    with open_engine(f"transformers:{small_folder()}", given) as engine:
        yield engine
