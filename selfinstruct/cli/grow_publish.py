"""What `grow --publish` ends with: the release of the run, on a Hub.

Decides: that everything which can be checked is checked before the first round. Does not know:
what a release holds, or how it is uploaded.
"""

from pathlib import Path

import click
import msgspec

from selfinstruct import __version__
from selfinstruct.cli.hub_options import HubBar, Link
from selfinstruct.cli.publish import Making, publish_release
from selfinstruct.publish.target import check_repo, check_tag
from selfinstruct.publish.upload import Wish


class Publishing:
    """A release that a run is to end with; raises InputError where it could not be published."""

    def __init__(self, repo: str, tag: str, endpoint: str, token_env: str) -> None:
        """Take what the options say: a repository, a tag or "", and which Hub with whose token."""
        message = f"Release {check_tag(tag)}" if tag else f"Release by selfinstruct {__version__}"
        self._wish = Wish(message, tag)
        self._making = Making(check_repo(repo), tag, "", None, "")
        self._link = Link(endpoint, token_env, 120.0, insecure=False)
        self._link.check()

    def publish(self, run: Path, *, quiet: bool, as_json: bool) -> None:
        """Publish a run that is finished, and print where it is."""
        bar = HubBar(quiet=quiet or as_json)
        address = publish_release(run, self._wish, self._making, self._link, bar)
        if as_json:
            click.echo(msgspec.json.encode({"event": "published", "address": address}))
        elif not quiet:
            click.echo(f"published {address}")
