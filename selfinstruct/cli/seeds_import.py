"""`selfinstruct seeds import`: rows of any form become a seed file.

Decides: what is said of rows that are no seeds, and when nothing is written. Does not know: how
a row is read, or what belongs together.
"""

import json
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, NoReturn

import click
from tqdm import tqdm

from selfinstruct.cli.seeds_file import check_out, counted, say_written
from selfinstruct.errors import InputError
from selfinstruct.importing.gather import NOTES, Defaults, RowFault, Seeds, gather
from selfinstruct.importing.layout import KEYS, Layout, parse_columns
from selfinstruct.storage import replace_file
from selfinstruct.tables import FORMS, form_of, scan
from selfinstruct.task import to_json
from selfinstruct.visible import visible

SHOWN = 20
"""Faults that are listed on the screen."""

_BLOCK = 1 << 20


@click.command("import", short_help="Make a seed file of tables: CSV, Excel, JSONL, Parquet.")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Seed file to write.")
@click.option(
    "--columns",
    default="",
    metavar="KEY=COL,...",
    help=f"What holds what, if not known by name; keys: {', '.join(KEYS)}.",
)
@click.option(
    "--format", "form", default="", help=f"What the files are, if not by name: {', '.join(FORMS)}."
)
@click.option("--classification", is_flag=True, help="All rows are classification tasks.")
@click.option("--language", default="", help="Language of rows that do not say theirs: en, zh, …")
@click.option("--category", default="", help="Category of rows that do not say theirs.")
@click.option("--limit", type=click.IntRange(min=1), help="Stop when there are so many seeds.")
@click.option("--skip-faulty", is_flag=True, help="Leave out faulty rows; list them all the same.")
@click.option(
    "--report",
    type=click.Path(path_type=Path),
    help="File (JSONL) for faulty rows: each whole, with what is wrong.",
)
def import_(
    *,
    files: tuple[Path, ...],
    out: Path,
    columns: str,
    form: str,
    classification: bool,
    language: str,
    category: str,
    limit: int | None,
    skip_faulty: bool,
    report: Path | None,
) -> None:
    """Make a seed file of rows in JSONL, JSON, CSV, TSV, Excel or Parquet FILES.

    Instruction, input and output are found by the names of the columns, and what was found is
    said. Rows with the same instruction become one seed with several instances.
    """
    named = parse_columns(columns)
    forms = {path: form_of(path, form) for path in files}
    check_out(files, out, report)
    seeds = Seeds(Defaults(classification, category, language), limit)
    with ExitStack() as stack:
        spool: IO[bytes] | None = stack.enter_context(TemporaryFile()) if report else None
        watch = _Watch(files, spool)
        for path in files:
            watch.see(gather(scan(path, forms[path], seen=watch.seen), named, seeds, watch.shape))
            if seeds.is_full:
                break
        watch.summary(seeds)
        if report and spool:
            replace_file(report, _blocks(spool))
            watch.say(f"wrote {report} ({counted(watch.faults, 'faulty row')})")
    if watch.faults and not (skip_faulty and len(seeds)):
        message = f"{counted(watch.faults, 'faulty row')}; nothing was written to {out}"
        hint = "mend them, or leave them out: --skip-faulty"
        if not len(seeds):
            hint = "no row is good: check what the columns were taken for, and --columns"
        raise InputError(message, hint=hint)
    replace_file(out, seeds.lines())
    say_written(out, len(seeds), seeds.instances, language)


class _Watch:
    """Counts, the progress bar, and what is said on standard error."""

    def __init__(self, files: Iterable[Path], spool: IO[bytes] | None) -> None:
        self.rows = self.faults = 0
        self._spool = spool
        self._bar: tqdm[NoReturn] = tqdm(
            total=sum(path.stat().st_size for path in files if path.is_file()),
            unit="B",
            unit_scale=True,
            disable=not sys.stderr.isatty(),
            leave=False,
        )

    def seen(self, count: int) -> None:
        """Move the bar by some bytes."""
        self._bar.update(count)

    def shape(self, file: Path, layout: Layout) -> None:
        """Say what the columns of a file were found to mean."""
        self.say(f"{file}: {layout.described()}")

    def see(self, found: Iterable[RowFault | None]) -> None:
        """Count rows, and report those that are faulty."""
        for fault in found:
            self.rows += 1
            if fault is None:
                continue
            self.faults += 1
            if self.faults <= SHOWN:
                self.say(f"{fault.file}:{fault.row}: {fault.message}")
            if self._spool:
                self._spool.write(_as_line(fault))

    def say(self, text: str) -> None:
        """Print a line above the bar."""
        self._bar.clear()
        click.echo(visible(text), err=True)

    def summary(self, seeds: Seeds) -> None:
        """Say how many faults were not shown, and what was left out of good rows."""
        self._bar.close()
        if self.faults > SHOWN:
            self.say(f"and {self.faults - SHOWN:,} more")
        for note, words in NOTES.items():
            if count := seeds.counts[note]:
                self.say(f"note: {words}: {count:,}")
        good = self.rows - self.faults
        self.say(f"read {counted(self.rows, 'row')}: {good:,} good, {self.faults:,} faulty")


def _as_line(fault: RowFault) -> bytes:
    """Return a fault as JSON; half a character, which UTF-8 cannot hold, is escaped."""
    try:
        return to_json(fault) + b"\n"
    except UnicodeEncodeError:
        row = {"file": fault.file, "row": fault.row, "message": fault.message}
        return json.dumps({**row, "columns": fault.columns}, default=str).encode() + b"\n"


def _blocks(spool: IO[bytes]) -> Iterator[bytes]:
    """Yield what was put into a temporary file."""
    spool.seek(0)
    while block := spool.read(_BLOCK):
        yield block
