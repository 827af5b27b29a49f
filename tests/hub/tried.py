"""Publishing in this process, with waits that are counted instead of waited for."""

from pathlib import Path
from typing import NamedTuple

from hub.made import NAME
from hub.server import TOKEN, LoopbackHub
from selfinstruct.patience import Patience
from selfinstruct.publish.faults import Speech
from selfinstruct.publish.files import whole_folder
from selfinstruct.publish.repository import open_repository
from selfinstruct.publish.retry import Calls
from selfinstruct.publish.session import Terms
from selfinstruct.publish.upload import Published, Wish, publish

CREATE, COMMIT, TAG = "POST .*/repos/create$", "POST .*/commit/main$", "POST .*/tag/"
PUT, PREUPLOAD = "PUT .*/objects/", "POST .*/preupload/"


class Silent(NamedTuple):
    """A watch that keeps what was said."""

    said: list[str]

    def begin(self, what: str, total: int) -> None:
        """Show nothing."""

    def moved(self, count: int) -> None:
        """Show nothing."""

    def say(self, text: str) -> None:
        """Keep it."""
        self.said.append(text)


class Tried(NamedTuple):
    """A publisher in this process, and the seconds it waited."""

    hub: LoopbackHub
    waits: list[float]
    watch: Silent

    def publish(self, folder: Path, tag: str = "") -> Published:
        """Publish a folder; small files do, so that the client itself has nothing to wait for."""
        calls = Calls(
            Speech(self.hub.url, NAME, TOKEN), self.watch.say, Patience(5, 1.0), self.waits.append
        )
        terms = Terms(self.hub.url, seconds=20)
        with open_repository(terms, NAME, TOKEN, self.watch.say, calls) as repository:
            return publish(
                repository, whole_folder(folder, self.watch), Wish("A release", tag), self.watch
            )
