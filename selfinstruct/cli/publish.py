"""`selfinstruct publish`: the release of a run to a Hub or a mirror, or into a folder.

Decides: what is a run and what a release, which options go together, and what is printed. Does not
know: what a release holds, or how it is uploaded.
"""

import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import click

from selfinstruct import __version__
from selfinstruct.cli.hub_options import HubBar, Link, hub_options, in_bytes
from selfinstruct.errors import InputError
from selfinstruct.publish.files import is_release, whole_folder
from selfinstruct.publish.plan import Plan
from selfinstruct.publish.repository import Repository
from selfinstruct.publish.sums import SUMS
from selfinstruct.publish.target import check_repo, check_tag
from selfinstruct.publish.upload import Published, Wish, planned
from selfinstruct.publish.upload import publish as upload
from selfinstruct.visible import visible


class Making(NamedTuple):
    """How the release of a run is made: where for, and what of it."""

    repo: str
    tag: str
    split: str
    mixture: Path | None
    shard_size: str


@click.command()
@click.argument("source", type=click.Path(path_type=Path))
@click.option("--repo", default="", metavar="ORG/NAME", help="The dataset's name on the Hub.")
@click.option("--tag", default="", help="Tag of this release, such as v1.  [default: none]")
@click.option("--private", is_flag=True, help="Where the repository is new, make it private.")
@click.option("--dry-run", is_flag=True, help="List what would be done, and touch nothing.")
@click.option("--message", default="", help="Of the commit.  [default: the tag, or the version]")
@click.option(
    "--to",
    type=click.Path(path_type=Path),
    help="A run: write its release to this folder, and upload nothing.",
)
@click.option(
    "--split",
    default="",
    help="A run: validation=0.05,test=0.05.  [default: these, from 200 tasks on]",
)
@click.option(
    "--mixture", type=click.Path(path_type=Path), help="A run: rates of templates, as in export."
)
@click.option("--shard-size", default="", help="A run: bytes of a file.  [default: 10MB]")
@hub_options
def publish(
    *,
    source: Path,
    repo: str,
    tag: str,
    private: bool,
    dry_run: bool,
    message: str,
    to: Path | None,
    split: str,
    mixture: Path | None,
    shard_size: str,
    endpoint: str,
    token_env: str,
    timeout: float,
    insecure_http: bool,
    quiet: bool,
) -> None:
    """Upload the release of a run (SOURCE) to a Hugging Face Hub or a mirror of one.

    SOURCE may also be a release that --to has written. It becomes one commit, or none where
    everything is there already. Only what belongs to releases is changed or deleted there:
    README.md, data/, config/, images/ and the like.
    """
    default = f"Release {check_tag(tag)}" if tag else f"Release by selfinstruct {__version__}"
    wish = Wish(message.strip() or default, tag, private)
    making = Making(repo and check_repo(repo), tag, split, mixture, shard_size)
    bar = HubBar(quiet=quiet)
    if to is not None:
        _check_alone(private=private, dry_run=dry_run, message=message)
        _make(source, to, making, bar)
        click.echo(str(to))
        return
    check_repo(repo)
    link = Link(endpoint, token_env, timeout, insecure_http)
    if address := publish_release(source, wish, making, link, bar, dry_run=dry_run):
        click.echo(address)


def publish_release(
    source: Path, wish: Wish, making: Making, link: Link, bar: HubBar, *, dry_run: bool = False
) -> str:
    """Bring the release of a run, or one that is there, onto a Hub; return where it is.

    A `dry_run` says what would be done, and returns "".
    """
    try:
        with (
            _release(source, making, bar) as folder,
            link.open(making.repo, bar.say) as repository,
        ):
            files = whole_folder(folder, bar)
            if dry_run:
                head, plan = planned(repository, files, wish)
                bar.close()
                _preview(repository, plan, wish, is_new=head is None)
                return ""
            done = upload(repository, files, wish, bar)
            bar.close()
            _report(done, wish, bar)
            return f"{repository.address}/tree/{wish.tag or done.commit}"
    except KeyboardInterrupt:
        bar.close()
        _stopped(dry_run=dry_run)
        raise
    finally:
        bar.close()


def _check_alone(*, private: bool, dry_run: bool, message: str) -> None:
    """Raise InputError for options of an upload where there is none."""
    given = {"--private": private, "--dry-run": dry_run, "--message": message}
    if named := [name for name, value in given.items() if value]:
        hint = "leave it out; give it when you publish the folder"
        raise InputError(f"{named[0]} and --to, which uploads nothing", hint=hint)


@contextmanager
def _release(source: Path, making: Making, bar: HubBar) -> Iterator[Path]:
    """Return the folder of a release: one that is there, or a run's, made for the time being."""
    if source.is_dir() and is_release(source):
        if making.split or making.mixture or making.shard_size:
            message = f"{source} is a release; --split, --mixture and --shard-size are for a run"
            raise InputError(message, hint="leave them out, or give the run")
        yield source
        return
    with TemporaryDirectory(prefix="selfinstruct-") as folder:
        _make(source, Path(folder) / "release", making, bar)
        yield Path(folder) / "release"


def _make(run: Path, folder: Path, making: Making, bar: HubBar) -> None:
    """Write the release of a run."""
    # Slow to import, and not needed for a release that is there.
    from selfinstruct.export.files import SHARD_SIZE, parse_size  # noqa: PLC0415
    from selfinstruct.export.split import parse_split  # noqa: PLC0415
    from selfinstruct.publish.release import ReleaseSettings, build  # noqa: PLC0415

    if is_release(run):
        raise InputError(f"{run} is a release already: it has {SUMS}", hint="copy it")
    if not (run / "run.toml").is_file():
        message = f"{run} is neither a run (run.toml) nor a release ({SUMS})"
        raise InputError(message, hint="give the folder that `selfinstruct grow --out` has made")
    how = ReleaseSettings(
        repo=making.repo,
        tag=making.tag,
        shares=parse_split(making.split) if making.split else None,
        mixture=making.mixture,
        shard_size=parse_size(making.shard_size) if making.shard_size else SHARD_SIZE,
    )
    for note in build(run, folder, how).notes:
        bar.say(note)


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


def _report(done: Published, wish: Wish, bar: HubBar) -> None:
    """Say what was done."""
    bar.say(_counts(done.plan) if done.made else "nothing to do: all is there")
    if done.tagged:
        bar.say(f"tagged {wish.tag}")


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
