"""`selfinstruct decontaminate`: tasks that overlap evaluation sets go to the refusals of a run."""

import shlex
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import click
from tqdm import tqdm

from selfinstruct.cli.columns import column_names
from selfinstruct.decontaminate import (
    MAX_SIMILARITY,
    NGRAMS,
    REASON,
    EvaluationSets,
    Finding,
    names_of,
)
from selfinstruct.errors import InputError
from selfinstruct.export import FORMATS
from selfinstruct.run import Marker, finished_rows, read_markers, require_run
from selfinstruct.run.remove import remove, taken, unfinished
from selfinstruct.storage import read_rows
from selfinstruct.tables import FORMS, TableRow, form_of, read
from selfinstruct.tables.shapes import Shape, shaped
from selfinstruct.task import Task
from selfinstruct.visible import visible

EXAMPLES = 5
"""Tasks that the summary shows."""


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option(
    "--against",
    multiple=True,
    required=True,
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Evaluation set: JSONL, JSON, CSV, TSV or Parquet; more may follow. Repeatable.",
)
@click.argument("more", metavar="[FILE]...", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--columns",
    default="",
    help="Columns of the evaluation sets to compare, joined: a,b,c.  "
    "[default: the whole row, its instruction with ROUGE-L]",
)
@click.option(
    "--format", "form", default="", help=f"What the files are, if not by name: {', '.join(FORMS)}."
)
@click.option(
    "--ngrams",
    default=NGRAMS,
    show_default=True,
    type=click.IntRange(min=0),
    help="Words in a row that are an overlap; 0 switches this off.",
)
@click.option(
    "--max-similarity",
    default=MAX_SIMILARITY,
    show_default=True,
    type=float,
    help="ROUGE-L of instructions above which they overlap; 1 switches this off.",
)
@click.option("--dry-run", is_flag=True, help="List what would be moved, and change nothing.")
@click.option("--quiet", is_flag=True, help="Print nothing but errors, and the list of --dry-run.")
def decontaminate(
    *,
    run: Path,
    against: tuple[Path, ...],
    more: tuple[Path, ...],
    columns: str,
    form: str,
    ngrams: int,
    max_similarity: float,
    dry_run: bool,
    quiet: bool,
) -> None:
    """Move tasks of a run folder RUN that overlap evaluation sets to its refusals.

    A task overlaps if one of its texts shares a long run of words with an evaluation row, or if
    its instruction is much like that of one. Each is kept in rejected.jsonl with the evidence.
    """
    require_run(run)
    paths = _each_once((*against, *more))
    forms = [form_of(path, form) for path in paths]
    names = column_names(columns)
    sets = EvaluationSets(ngrams=ngrams, max_similarity=max_similarity)
    say = _Say(run, quiet=quiet, dry=dry_run)
    held: AbstractContextManager[list[Marker]] = (
        nullcontext(read_markers(run)) if dry_run else taken(run)
    )
    with held as markers:
        for path, kind, name in zip(paths, forms, names_of(paths), strict=True):
            say.read(name, sets.add(name, shaped(read(path, kind), names, say.shape)))
        total = sum(marker.accepted for marker in markers)
        tasks = say.checked(finished_rows(run, "pool", Task), total)
        gone = {one.number: one.evidence for one in say.found(sets.findings(tasks))}
        left = unfinished(run) if gone else []
        if gone and not dry_run:
            remove(run, markers, gone, REASON)
    say.summary(total, unfinished=bool(left), rounds=len(markers))
    say.seeds(sum(1 for _ in sets.findings(read_rows(run / "seeds.jsonl", Task))))
    if gone:
        say.exports()


class _Say:
    """What is printed: everything on standard error, but for the list of a dry run."""

    def __init__(self, run: Path, *, quiet: bool, dry: bool) -> None:
        self._run = run
        self._quiet = quiet
        self._dry = dry
        self._compared = ""
        self._by: Counter[str] = Counter()
        self._examples: list[Finding] = []

    def shape(self, first: TableRow, shape: Shape) -> None:
        """Take note of what is compared of the rows of a file."""
        columns = [name for name in shape.compared(whole=True) if name in first.columns]
        of = f" of {shape.name} rows" if shape.kind != "joined" else ""
        self._compared = f"{', '.join(columns)}{of}"

    def read(self, name: str, count: int) -> None:
        """Say what was read."""
        self._line(f"{name}: {count} rows, comparing {self._compared}")

    def checked(self, tasks: Iterable[Task], total: int) -> Iterator[Task]:
        """Move a bar over the tasks; a list that scrolls over it would spoil it."""
        shown = sys.stderr.isatty() and not self._quiet and not (self._dry and sys.stdout.isatty())
        with tqdm(tasks, total=total, file=sys.stderr, disable=not shown, leave=False) as bar:
            yield from bar

    def found(self, findings: Iterable[Finding]) -> Iterator[Finding]:
        """Count what overlaps, and keep some to show; a dry run prints them all."""
        for one in findings:
            self._by[one.by] += 1
            if self._dry:
                click.echo(_shown(one))
            elif len(self._examples) < EXAMPLES:
                self._examples.append(one)
            yield one

    def summary(self, total: int, *, unfinished: bool, rounds: int) -> None:
        """Say how many tasks went, with some of them and where all are."""
        count = self._by.total()
        what = "would be moved" if self._dry else "moved to rejected.jsonl"
        how = ", ".join(f"{self._by[name]} by {name}" for name in ("n-grams", "ROUGE-L"))
        self._line(f"{self._run}: {total} tasks checked, {count} {what} ({how})")
        for one in self._examples:
            self._line(_shown(one))
        if unfinished:
            begins = "would begin" if self._dry else "begins"
            self._line(
                f"round {rounds + 1}, which was not finished, {begins} anew: its prompts were "
                "drawn from the larger pool"
            )
        if count and not self._dry:
            self._line(f"\nAll of them:  {self._command('show', '--rejected', REASON.rule)}")

    def seeds(self, count: int) -> None:
        """Warn of seed tasks that overlap: they are frozen."""
        if count:
            tasks = "1 seed task overlaps" if count == 1 else f"{count} seed tasks overlap"
            self._line(
                f"warning: {tasks} too. Seeds of a run are frozen: export without --with-seeds, "
                "or grow a new run from other seeds (--seeds)"
            )

    def exports(self) -> None:
        """Say that exports from before are stale, and how to write them again."""
        if self._dry:
            return
        names = [name for name in FORMATS if (self._run / "export" / f"{name}.jsonl").exists()]
        self._line("Exports from before still hold these tasks. Write them again:")
        for name in names or list(FORMATS):
            self._line(f"  {self._command('export', '--format', name)}")

    def _command(self, name: str, *options: str) -> str:
        return shlex.join(["selfinstruct", name, str(self._run), *options])

    def _line(self, text: str) -> None:
        if not self._quiet:
            click.echo(visible(text), err=True)


def _shown(finding: Finding) -> str:
    """Return a task and the evidence against it, on one line."""
    return visible(f"{finding.task.id}  {finding.evidence.detail}".replace("\n", " "))


def _each_once(paths: Sequence[Path]) -> Sequence[Path]:
    """Refuse a file that is given twice: its rows would count twice."""
    for place, path in enumerate(paths):
        if path.resolve() in [other.resolve() for other in paths[:place]]:
            raise InputError(f"{path} is given twice", hint="name each file once")
    return paths
