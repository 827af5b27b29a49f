"""`selfinstruct export`: rows of a run, or of any dataset, in the shapes that trainers read.

Decides: what is a run and what a file, where an export goes, and what is printed. Does not know:
what a format holds.
"""

import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import click
from msgspec import structs

from selfinstruct.errors import InputError
from selfinstruct.export import (
    FORMATS,
    Exported,
    Row,
    Ways,
    export_file,
    export_folder,
    found_rows,
    known_formats,
    rows,
)
from selfinstruct.export.files import (
    FORMS,
    FolderFiles,
    check_form,
    form_of_file,
    parse_size,
)
from selfinstruct.export.messages import VARIED, system_prompts
from selfinstruct.export.mixture import load_mixture
from selfinstruct.export.preference import read_pairs
from selfinstruct.export.split import parse_split
from selfinstruct.importing.layout import LABELS, find_layout, parse_columns
from selfinstruct.preferences.pairs import Preference
from selfinstruct.run import read_markers, require_run
from selfinstruct.tables import TableRow, form_of, known_form, read
from selfinstruct.tables.base import Seen
from selfinstruct.tables.shapes import Shape, shaped


class Sources(NamedTuple):
    """Where rows come from: a run folder, or files."""

    paths: tuple[Path, ...]
    with_seeds: bool
    augmented: bool
    columns: str
    language: str
    licence: str
    quiet: bool

    @property
    def run(self) -> Path | None:
        """Return the run folder, None for files: these have a name that says what they hold."""
        first = self.paths[0]
        return first if first.is_dir() or not known_form(first) else None


@click.command()
@click.argument("sources", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--format", "names", required=True, help=f"One or more of: {', '.join(FORMATS)}; with commas."
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="Folder, or one file: FILE.jsonl, .jsonl.gz, .jsonl.zst or .parquet.  "
    "[default: RUN/export]",
)
@click.option("--split", default="", help="validation=0.05,test=0.05: by task.  [default: none]")
@click.option("--form", default=FORMS[0], show_default=True, help=f"{', '.join(FORMS)}.")
@click.option(
    "--shard-size", default="10MB", show_default=True, help="Of a file, unpacked; in a folder."
)
@click.option(
    "--mixture", type=click.Path(path_type=Path), help="TOML: rates and caps of template types."
)
@click.option(
    "--templates", type=click.Path(path_type=Path), help="Folder with templates of your own."
)
@click.option(
    "--templates-per-row",
    type=click.IntRange(1, 100),
    help="Different templates for each row.  [default: the mixture's: 1]",
)
@click.option(
    "--system-prompts",
    "system",
    default="",
    help=f"messages: {VARIED!r}, or a file with one a line.",
)
@click.option("--with-seeds", is_flag=True, help="A run: put the seed tasks first.")
@click.option("--no-augmented", is_flag=True, help="A run: leave out augmented tasks.")
@click.option(
    "--columns", default="", help="Files: instruction=COL,input=COL,output=COL,category=COL."
)
@click.option("--language", default="en", show_default=True, help="Files: of their rows.")
@click.option("--licence", default="", help="Files: of their rows.  [default: not known]")
@click.option("--quiet", is_flag=True, help="Print nothing but errors.")
def export(
    *,
    sources: tuple[Path, ...],
    names: str,
    out: Path | None,
    split: str,
    form: str,
    shard_size: str,
    mixture: Path | None,
    templates: Path | None,
    templates_per_row: int | None,
    system: str,
    with_seeds: bool,
    no_augmented: bool,
    columns: str,
    language: str,
    licence: str,
    quiet: bool,
) -> None:
    """Write the tasks of a run folder, or rows of files (SOURCES), in the shapes trainers read.

    A folder gets README.md and dataset_info.json beside the rows: how to load them, and how to
    train on them with TRL, LLaMA-Factory, axolotl and MS-SWIFT.
    """
    formats = known_formats(names.split(","))
    given = Sources(sources, with_seeds, not no_augmented, columns, language, licence, quiet)
    _check_sources(given)
    ways = _ways(mixture, templates, templates_per_row, system)
    if "preference" in formats:
        ways = ways._replace(pairs=_pairs(given))
    shares = parse_split(split)
    check_form(form)
    target = out or _default_folder(given)
    if form_of_file(target) or (target.exists() and not target.is_dir()):
        _check_file(given, target, formats, split)
        _report(target, export_file(_rows(given), formats[0], target, ways), quiet=quiet)
        return
    files = FolderFiles(target, form, parse_size(shard_size))
    for name in formats:
        done = export_folder(_rows(given), name, files, ways, shares)
        _report(target / name, done, quiet=quiet)


def _ways(mixture: Path | None, templates: Path | None, per_row: int | None, system: str) -> Ways:
    """Read what formats are told."""
    if templates and not templates.is_dir():
        hint = "give a folder with a folder for each language: TEMPLATES/en/zero_shot.toml"
        raise InputError(f"--templates {templates}: no such folder", hint=hint)
    prompts = system_prompts(system, templates)
    return Ways(load_mixture(mixture), templates, per_row, prompts)


def _pairs(given: Sources) -> dict[str, Preference]:
    """Read the ranked pairs of a run."""
    if given.run is None:
        message = "preference is for a run folder: it needs ranked responses"
        raise InputError(message, hint="grow a run, then: selfinstruct prefer RUN")
    return read_pairs(given.run)


def _check_sources(given: Sources) -> None:
    """Raise InputError for sources and options that do not go together."""
    if given.run is None:
        if any(path.is_dir() for path in given.paths):
            raise InputError("a folder among files", hint="give one run folder, or files")
        if given.with_seeds or not given.augmented:
            message = "--with-seeds and --no-augmented are for a run folder"
            raise InputError(message, hint="leave them out")
        return
    if len(given.paths) > 1:
        message = f"{len(given.paths)} sources, and one of them is a folder"
        raise InputError(message, hint="give one run folder, or files")
    if given.columns or given.licence or given.language != "en":
        message = "--columns, --language and --licence are for files"
        raise InputError(message, hint="leave them out: a run knows")
    require_run(given.run)


def _default_folder(given: Sources) -> Path:
    if given.run is None:
        message = "files have no folder for exports of their own"
        raise InputError(message, hint="say where: --out FOLDER, or --out FILE.jsonl")
    return given.run / "export"


def _check_file(given: Sources, target: Path, formats: Sequence[str], split: str) -> None:
    """Raise InputError for what does not fit in one file."""
    if target.resolve() in {path.resolve() for path in given.paths}:
        message = f"--out {target} is read from, and would be lost"
        raise InputError(message, hint="give another name")
    if len(formats) > 1 or split:
        what = "--split" if split else f"{len(formats)} formats"
        raise InputError(f"{what} and one file: --out {target}", hint="give a folder: --out FOLDER")


def _rows(given: Sources) -> Iterator[Row]:
    """Yield the rows of the sources, with a bar on a terminal."""
    show = not given.quiet and sys.stderr.isatty()
    if given.run is None:
        size = sum(path.stat().st_size for path in given.paths if path.is_file())
        with _bar(show, size, "B") as seen:
            yield from _found(given, seen)
        return
    total = sum(marker.accepted for marker in read_markers(given.run))
    found = rows(given.run, with_seeds=given.with_seeds, augmented=given.augmented)
    with _bar(show, total, " tasks") as seen:
        for row in found:
            if seen:
                seen(row.number == 0)
            yield row


@contextmanager
def _bar(show: bool, total: int, unit: str) -> Iterator[Seen | None]:  # noqa: FBT001
    """Yield what moves a progress bar; None where none is shown."""
    if not show:
        yield None
        return
    from tqdm import tqdm  # noqa: PLC0415 (slow to import)

    with tqdm(total=total, unit=unit, unit_scale=unit == "B", leave=False) as bar:
        yield bar.update


def _found(given: Sources, seen: Seen | None) -> Iterator[Row]:
    tables = (row for path in given.paths for row in read(path, form_of(path), seen=seen))
    pairs = _named(tables, given.columns) if given.columns else shaped(tables)
    return found_rows(pairs, language=given.language, licence=given.licence)


def _named(tables: Iterable[TableRow], columns: str) -> Iterator[tuple[TableRow, Shape]]:
    """Pair rows with the shape of the columns that were named; labels go under our names."""
    named = parse_columns(columns)
    shape = None
    for row in tables:
        if shape is None:
            shape = find_layout([row], named).shape
        labels = {key: row.columns.get(name) for key, name in named.items() if key in LABELS}
        yield structs.replace(row, columns={**row.columns, **labels}), shape


def _report(place: Path, done: Exported, *, quiet: bool) -> None:
    """Say what was written and drawn, and what a reader would get wrong."""
    for line in date_warnings(place, done):
        click.echo(line, err=True)
    if quiet:
        return
    click.echo(f"wrote {place} ({counts(done)})", err=True)
    if done.drawn:
        drawn = ", ".join(f"{kind} {count}" for kind, count in sorted(done.drawn.items()))
        click.echo(f"  drawn: {drawn}; {done.templates} different templates", err=True)
    for reason, count in done.left_out.items():
        click.echo(f"  left out, {reason}: {count}", err=True)


def date_warnings(place: Path, done: Exported) -> list[str]:
    """Return a line for each column that `datasets` would not read as the text that it is."""
    dates = [one for written in done.splits.values() for one in written.dates]
    say = "nothing but dates, which `datasets` does not read as text; use --form parquet"
    return [f"warning: {place}: {one}: {say}" for one in dates]


def counts(done: Exported) -> str:
    """Return how many rows there are, by split where there are several."""
    parts = [f"{name} {one.rows}" for name, one in done.splits.items()]
    return f"{done.count} rows" if len(parts) == 1 else f"{done.count} rows: {', '.join(parts)}"
