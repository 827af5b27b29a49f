"""Options and fixtures that several test files share."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import strategies  # noqa: F401 (properties have no deadline)

from selfinstruct.engines import DEFAULT_ENGINE, Engine, Given, open_engine

GOLDEN = Path(__file__).parent / "golden"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add --update-golden: rewrite the golden files instead of comparing with them."""
    parser.addoption("--update-golden", action="store_true")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Return a check that a text equals the golden file of a name."""

    def check(name: str, text: str) -> None:
        path = GOLDEN / name
        if request.config.getoption("--update-golden"):
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
        assert text == path.read_text(encoding="utf-8"), f"{path} differs; see `make golden`"

    return check


@pytest.fixture(scope="session")
def small_model() -> Iterator[Engine]:
    """Open the real small model, once for all tests of a worker."""
    with open_engine(DEFAULT_ENGINE, Given(quiet=True)) as engine:
        yield engine
