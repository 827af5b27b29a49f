"""The Hub of the tests, one for each."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from hub.made import release
from hub.server import LoopbackHub
from hub.tried import Silent, Tried


@pytest.fixture
def hub() -> Iterator[LoopbackHub]:
    """Start a Hub, and stop it."""
    pytest.importorskip("huggingface_hub", reason="needs the extra 'publish'")
    server = LoopbackHub()
    yield server
    server.stop()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Write a release."""
    return release(tmp_path / "release")


@pytest.fixture
def tried(hub: LoopbackHub) -> Tried:
    """Return a publisher to the Hub."""
    return Tried(hub, [], Silent([]))
