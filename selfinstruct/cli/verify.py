"""`selfinstruct verify`: whether a release is as its checksums say, in a folder or on a Hub.

Decides: what is a folder and what a repository, and what is printed. Does not know: how files are
read.
"""

from pathlib import Path

import click

from selfinstruct.cli.hub_options import HubBar, Link, hub_options
from selfinstruct.errors import InputError, SelfInstructError
from selfinstruct.publish.files import Differences, checked_folder
from selfinstruct.publish.target import REPO
from selfinstruct.publish.verify import Checked, verify_repository
from selfinstruct.visible import visible


@click.command()
@click.argument("release")
@hub_options
def verify(
    *,
    release: str,
    endpoint: str,
    token_env: str,
    timeout: float,
    insecure_http: bool,
    quiet: bool,
) -> None:
    """Check RELEASE, a folder or ORG/NAME[@REVISION] on a Hub, against its SHA256SUMS.

    Every byte is read. Files that are missing, changed or extra are listed, and the exit code is
    1; other people's files beside a release are none of its business.
    """
    bar = HubBar(quiet=quiet)
    try:
        if Path(release).is_dir():
            files, found = checked_folder(Path(release), bar)
            checked = Checked("", len(files) - 1, found)
        else:
            checked = _published(release, Link(endpoint, token_env, timeout, insecure_http), bar)
    finally:
        bar.close()
    for what, paths in zip(Differences._fields, checked.differences, strict=True):
        for path in paths:
            click.echo(f"{what:<8} {visible(path)}")
    if total := checked.differences.total:
        message = f"{release}: {total} files are not as SHA256SUMS says"
        raise SelfInstructError(message, hint="publish it again, from a folder that verifies")
    at = f" at {checked.commit[:12]}" if checked.commit else ""
    click.echo(f"{release}{at}: {checked.files} files are as SHA256SUMS says")


def _published(release: str, link: Link, bar: HubBar) -> Checked:
    """Verify a repository."""
    name, _, revision = release.partition("@")
    if not REPO.fullmatch(name):
        hint = "give a folder, or ORG/NAME of a dataset on a Hub, with @REVISION if you like"
        raise InputError(f"no folder and no repository: {release!r}", hint=hint)
    with link.open(name, bar.say) as repository:
        return verify_repository(repository, revision or "main", bar)
