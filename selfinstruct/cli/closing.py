"""What `grow` ends with: its exports, its table, and what to type next.

Decides: which command goes on. Does not know: rounds, or what an export holds.
"""

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from selfinstruct.cli.export import date_warnings
from selfinstruct.cli.progress import closing_table
from selfinstruct.export import Ways, export_folder, rows
from selfinstruct.export.files import FolderFiles
from selfinstruct.export.mixture import load_mixture
from selfinstruct.run import Run, seconds_by_round

MORE_ROUNDS = 5
"""Rounds that the command to go on with asks for in addition."""


def write_exports(out: Path, formats: tuple[str, ...], *, augmented: bool) -> dict[str, int]:
    """Write the exports; return how many rows each folder has."""
    target = FolderFiles(out / "export")
    written = {}
    for name in formats:
        done = export_folder(rows(out, augmented=augmented), name, target, Ways(load_mixture()))
        written[str(target.folder / name)] = done.count
        for line in date_warnings(target.folder / name, done):
            click.echo(line, err=True)
    return written


def closing(
    out: Path, run: Run, wanted: int | None, written: dict[str, int], lines: Sequence[str]
) -> None:
    """Print the table, what there is to say beside it, the files, and what to type next."""
    click.echo(closing_table(run.markers, seconds_by_round(out)))
    for line in lines:
        click.echo(line)
    for path, count in written.items():
        click.echo(f"wrote {path} ({count} rows)")
    click.echo(f"\nLook at it:  {shlex.join(['selfinstruct', 'show', str(out)])}")
    if wanted is not None and len(run.markers) >= wanted:  # else more rounds would not be played
        more = len(run.markers) + MORE_ROUNDS
        click.echo(f"Go on:       {_again(more)}")


def _again(rounds: int) -> str:
    """Return the command just given, with another number of rounds."""
    words = sys.argv[1:]
    kept = [
        w
        for i, w in enumerate(words)
        if w != "--rounds"
        and not w.startswith("--rounds=")
        and (i == 0 or words[i - 1] != "--rounds")
    ]
    return shlex.join(["selfinstruct", *kept, "--rounds", str(rounds)])
