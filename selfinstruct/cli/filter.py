"""`selfinstruct filter`: a recipe on data that is there, a run or any dataset.

Decides: what is a run and what a file, where rows go, and what is printed. Does not know: how a
rule judges, or what becomes of a run.
"""

import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

import click
from tqdm import tqdm

from selfinstruct.cli.columns import column_names
from selfinstruct.cli.filter_run import FilterRun, filter_run
from selfinstruct.cli.overwriting import refuse_overwriting
from selfinstruct.errors import InputError
from selfinstruct.filtering import Passed, Refusal, verdicts
from selfinstruct.play import rule_set
from selfinstruct.pool_novelty import PoolNovelty
from selfinstruct.recipe import Recipe, load_recipe
from selfinstruct.storage import replace_file
from selfinstruct.tables import FORMS, TableRow, form_of, form_to_write, read, write
from selfinstruct.tables.shapes import shaped
from selfinstruct.task import to_json
from selfinstruct.visible import visible

_BLOCK = 1 << 20
_WIDTH = 160
"""Characters of a refused row that a sample shows."""


@click.command("filter")
@click.argument("sources", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--recipe", default="default", show_default=True, help="By name, or a TOML file.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="File for the rows that are kept, or a new run folder.  [default: nothing is written]",
)
@click.option(
    "--rejected",
    type=click.Path(path_type=Path),
    help="File (JSONL) for refused rows: each whole, with its reason. (A run has its own.)",
)
@click.option("--no-novelty", is_flag=True, help="Rows of files: leave out novelty.")
@click.option(
    "--columns", default="", help="Columns that hold the instruction, joined, if not known by name."
)
@click.option(
    "--format", "form", default="", help=f"What the files are, if not by name: {', '.join(FORMS)}."
)
@click.option(
    "--engine", default="", help="A run: ask its model for what it was never asked.  [default: no]"
)
@click.option(
    "--engine-arg", "engine_args", multiple=True, metavar="KEY=VALUE", help="Of that engine."
)
@click.option(
    "--samples",
    default=0,
    show_default=True,
    type=click.IntRange(min=0),
    help="Refusals (of a run: changes) to show of each reason.",
)
@click.option("--quiet", is_flag=True, help="Print nothing but errors.")
def filter_(
    *,
    sources: tuple[Path, ...],
    recipe: str,
    out: Path | None,
    rejected: Path | None,
    no_novelty: bool,
    columns: str,
    form: str,
    engine: str,
    engine_args: tuple[str, ...],
    samples: int,
    quiet: bool,
) -> None:
    """Apply a recipe to a run folder, or to rows in JSONL, CSV or Parquet SOURCES.

    A run is judged anew from its journal, without the model: what would this recipe have kept?
    With --out the answer becomes a run of its own. Nothing is changed but what you name.
    """
    chosen = load_recipe(recipe)
    if any(path.is_dir() for path in sources):
        if len(sources) > 1:
            hint = "give one run folder, or files"
            raise InputError(f"{len(sources)} sources, and one of them is a folder", hint=hint)
        if no_novelty or columns or form or rejected:
            options = "--no-novelty, --columns, --format and --rejected are for files"
            raise InputError(f"{sources[0]} is a folder; {options}", hint="leave them out")
        how = FilterRun(sources[0], chosen, out, engine, engine_args, samples=samples, quiet=quiet)
        filter_run(how)
        return
    if engine or engine_args:
        raise InputError("--engine is for a run folder", hint="leave it out")
    if (chosen.judge or chosen.difficulty) and not quiet:
        click.echo("no model is asked about rows of files: its judge decides nothing", err=True)
    forms = {path: form_of(path, form) for path in sources}
    refuse_overwriting(sources, {"--out": out, "--rejected": rejected})
    written = form_to_write(out, list(forms.values())) if out else ""
    rows = _rows(sources, forms, quiet=quiet)
    pairs = shaped(rows, column_names(columns))
    seen = [] if no_novelty else PoolNovelty(chosen.novelty).seen
    counts: Counter[str] = Counter()
    shown = _Samples(samples)
    with TemporaryFile() as spool:
        found = verdicts(pairs, rule_set(chosen), seen, chosen.language)
        kept = _kept(found, counts, spool, shown)
        _write(kept, out, written)
        if rejected:
            replace_file(rejected, _blocks(spool))
    if not quiet:
        _summary(chosen, counts, shown, out, rejected)


def _rows(sources: Sequence[Path], forms: dict[Path, str], *, quiet: bool) -> Iterator[TableRow]:
    """Yield the rows of all files, with a bar on a terminal."""
    total = sum(path.stat().st_size for path in sources if path.is_file())
    show = not quiet and sys.stderr.isatty()
    with closing(
        tqdm(total=total, unit="B", unit_scale=True, disable=not show, leave=False)
    ) as bar:
        for path in sources:
            yield from read(path, forms[path], seen=bar.update)


class _Samples:
    """The first refusals of each reason, as many as were asked for."""

    def __init__(self, count: int) -> None:
        self._count = count
        self.lines: dict[str, list[str]] = {}

    def see(self, refusal: Refusal) -> None:
        """Keep a refusal, if there are too few of its reason."""
        lines = self.lines.setdefault(refusal.rule, [])
        if len(lines) < self._count:
            text = " | ".join(str(value) for value in refusal.columns.values() if value)
            cut = text if len(text) <= _WIDTH else text[: _WIDTH - 1] + "\u2026"
            lines.append(f"{refusal.file}:{refusal.row}: {refusal.detail}\n    {cut}")


def _kept(
    found: Iterable[Passed | Refusal], counts: Counter[str], spool: IO[bytes], shown: _Samples
) -> Iterator[TableRow]:
    """Pass on the rows that are kept; count all, and write down those that are not."""
    for verdict in found:
        if isinstance(verdict, Passed):
            counts[""] += 1
            yield verdict.row
        else:
            counts[verdict.rule] += 1
            shown.see(verdict)
            spool.write(to_json(verdict) + b"\n")


def _write(kept: Iterator[TableRow], out: Path | None, form: str) -> None:
    """Write the rows that are kept; without a name, only count them."""
    if out is None:
        for _ in kept:
            pass
        return
    replace_file(out, write(kept, form, out))


def _blocks(spool: IO[bytes]) -> Iterator[bytes]:
    """Yield what was put into a temporary file."""
    spool.seek(0)
    while block := spool.read(_BLOCK):
        yield block


def _summary(
    recipe: Recipe, counts: Counter[str], shown: _Samples, out: Path | None, rejected: Path | None
) -> None:
    """Print what became of the rows, by reason."""
    kept, refused = counts.pop("", 0), counts.total()
    click.echo(f"{recipe.name}: {kept} of {kept + refused} rows kept, {refused} refused")
    for rule, count in counts.most_common():
        click.echo(f"{count:8}  {rule}")
        for line in shown.lines.get(rule, ()):
            click.echo(f"          {visible(line)}")
    for path, rows in ((out, kept), (rejected, refused)):
        if path:
            click.echo(f"wrote {path} ({rows} rows)")
