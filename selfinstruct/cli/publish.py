"""`selfinstruct publish`: a release to a Hub or a mirror.

Decides: what is taken for a release, and what is printed. Does not know: how it is uploaded.
"""

import shlex
import sys
from pathlib import Path

import click

from selfinstruct import __version__
from selfinstruct.cli.hub_options import HubBar, Link, hub_options, in_bytes
from selfinstruct.cli.visible import visible
from selfinstruct.errors import InputError
from selfinstruct.publish.files import SUMS, is_release, whole_folder
from selfinstruct.publish.plan import Plan
from selfinstruct.publish.repository import Repository
from selfinstruct.publish.target import check_repo, check_tag
from selfinstruct.publish.upload import Published, Wish, planned
from selfinstruct.publish.upload import publish as upload


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--repo", required=True, metavar="ORG/NAME", help="The dataset's name on the Hub.")
@click.option("--tag", default="", help="Tag of this release, such as v1.  [default: none]")
@click.option("--private", is_flag=True, help="Where the repository is new, make it private.")
@click.option("--dry-run", is_flag=True, help="List what would be done, and touch nothing.")
@click.option("--message", default="", help="Of the commit.  [default: the tag, or the version]")
@hub_options
def publish(
    *,
    folder: Path,
    repo: str,
    tag: str,
    private: bool,
    dry_run: bool,
    message: str,
    endpoint: str,
    token_env: str,
    timeout: float,
    insecure_http: bool,
    quiet: bool,
) -> None:
    """Upload a release (FOLDER, with SHA256SUMS) to a Hugging Face Hub or a mirror of one.

    It becomes one commit, or none where everything is there already. Only what belongs to
    releases is changed or deleted: README.md, data/, config/, images/ and the like.
    """
    check_repo(repo)
    default = f"Release {check_tag(tag)}" if tag else f"Release by selfinstruct {__version__}"
    wish = Wish(message.strip() or default, tag, private)
    _check_folder(folder)
    link = Link(endpoint, token_env, timeout, insecure_http)
    bar = HubBar(quiet=quiet)
    try:
        files = whole_folder(folder, bar)
        with link.open(repo, bar.say) as repository:
            if dry_run:
                head, plan = planned(repository, files, wish)
                bar.close()
                _preview(repository, plan, wish, is_new=head is None)
                return
            done = upload(repository, files, wish, bar)
            bar.close()
            _report(repository, done, wish, quiet=quiet)
    except KeyboardInterrupt:
        bar.close()
        _stopped(dry_run=dry_run)
        raise
    finally:
        bar.close()


def _check_folder(folder: Path) -> None:
    """Raise InputError for what is no release."""
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder", hint="give the folder of a release")
    if not is_release(folder):
        message = f"{folder} is no release: it has no {SUMS}"
        raise InputError(message, hint="give a folder that was made to be published")


def _preview(repository: Repository, plan: Plan, wish: Wish, *, is_new: bool) -> None:
    """Print what would be done."""
    if is_new:
        kind = "private" if wish.private else "public"
        click.echo(f"{repository.address} is not there: it would be made, {kind}")
    for what, changes in (("add", plan.add), ("change", plan.change), ("delete", plan.delete)):
        for one in changes:
            click.echo(f"{what:<7}{one.size:>15,}  {visible(one.path)}")
    click.echo(f"{_counts(plan)}; {in_bytes(sum(one.size for one in plan.sent))} to send")
    if wish.tag:
        click.echo(f"tag {wish.tag}")


def _report(repository: Repository, done: Published, wish: Wish, *, quiet: bool) -> None:
    """Print where the release is, and say what was done."""
    if not quiet:
        click.echo(_counts(done.plan) if done.made else "nothing to do: all is there", err=True)
        if done.tagged:
            click.echo(f"tagged {wish.tag}", err=True)
    click.echo(f"{repository.address}/tree/{wish.tag or done.commit}")


def _counts(plan: Plan) -> str:
    counts = {"added": plan.add, "changed": plan.change, "deleted": plan.delete}
    parts = [f"{len(changes)} {name}" for name, changes in counts.items()]
    return f"{', '.join(parts)}, {plan.same} the same"


def _stopped(*, dry_run: bool) -> None:
    """Say what a stop has left behind, and how to go on."""
    if dry_run:
        return
    command = shlex.join(["selfinstruct", *sys.argv[1:]])
    click.echo(
        "\nstopped; the branch has the release before this one, or this one, and what was "
        f"uploaded is not sent again.\nresume: {command}",
        err=True,
    )
