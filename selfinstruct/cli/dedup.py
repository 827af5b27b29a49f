"""`selfinstruct dedup`: rows in, those that are like none before them out.

Decides: the methods and what each compares, where the rows go, and what is printed. Does not
know: how rows are compared.
"""

import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, NoReturn, Self

import click
from tqdm import tqdm

from selfinstruct.cli.columns import column_names
from selfinstruct.dedup import Compared, Dedup, Duplicate, Exact, Register, compared
from selfinstruct.errors import InputError, unknown_name
from selfinstruct.novelty.base import Novelty
from selfinstruct.storage import replace_file, storage_error
from selfinstruct.tables import FORMS, TableRow, form_of, form_to_write, read, write
from selfinstruct.tables.shapes import Shape
from selfinstruct.task import to_json
from selfinstruct.text import TOKENISERS
from selfinstruct.visible import visible

THRESHOLDS = {"minhash": 0.8, "rouge": 0.7, "semantic": 0.9}
"""The likeness from which (rouge: above which) a row is dropped, by method."""

METHODS = (*THRESHOLDS, "exact")

_BLOCK = 1 << 20


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--by",
    default="minhash",
    show_default=True,
    help=f"How rows are compared: {', '.join(METHODS)}.",
)
@click.option(
    "--threshold",
    type=float,
    help="Likeness, 0 to 1, from which a row is dropped.  "
    "[default: minhash 0.8, rouge 0.7, semantic 0.9]",
)
@click.option(
    "--columns",
    default="",
    help="Columns to compare, joined: a,b,c.  [default: the whole row; with rouge its instruction]",
)
@click.option(
    "--format", "form", default="", help=f"What the files are, if not by name: {', '.join(FORMS)}."
)
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    help="File for the rows that are kept, in the format of its name.  [default: standard output]",
)
@click.option(
    "--report",
    type=click.Path(path_type=Path),
    help="File (JSONL) for what was dropped: each row with the one it is like.",
)
@click.option("--tokens", default="", help="What a word is to rouge: unicode or rouge-score.")
@click.option("--model", default="", help="Embedding model of --by semantic: a folder or a name.")
@click.option(
    "--against",
    multiple=True,
    type=click.Path(path_type=Path),
    help="File of rows that are known already: what is like them is dropped. Repeatable.",
)
@click.option("--quiet", is_flag=True, help="Print nothing but rows and errors.")
def dedup(
    *,
    files: tuple[Path, ...],
    by: str,
    threshold: float | None,
    columns: str,
    form: str,
    output: Path | None,
    report: Path | None,
    tokens: str,
    model: str,
    against: tuple[Path, ...],
    quiet: bool,
) -> None:
    """Drop near-duplicate rows from any JSONL, CSV or Parquet FILES.

    Of rows that are alike the first stays, byte for byte. Nothing is changed but what you name
    with --output and --report.
    """
    forms = {path: form_of(path, form) for path in (*files, *against)}
    _refuse_overwriting(files, against, output, report)
    names = column_names(columns)
    judge = _judge(by, threshold, tokens, model)
    whole = by != "rouge"
    # Rows that scroll over a terminal and a bar below them would spoil one another.
    bar = not quiet and sys.stderr.isatty() and (output is not None or not sys.stdout.isatty())
    with ExitStack() as stack:
        spool: IO[bytes] | None = stack.enter_context(TemporaryFile()) if report else None
        register = stack.enter_context(Register(texts=bool(report)))
        watch = stack.enter_context(
            _Watch(files, against, spool, whole=whole, bar=bar, quiet=quiet)
        )
        work = Dedup(judge, register, by=by)
        pair = partial(compared, columns=names, whole=whole, found=watch.shape)
        work.know(pair(_rows(against, forms, watch)))
        kept = watch.kept(work, pair(_rows(files, forms, watch)))
        _write(kept, _form_to_write(output, [forms[path] for path in files]), output)
        watch.summary()
        if output:
            watch.say(f"wrote {output} ({watch.written} rows)")
        if report and spool:
            replace_file(report, _blocks(spool))
            watch.say(f"wrote {report} ({watch.dropped} rows)")


class _Watch:
    """Counts, the progress bar, and what is said on standard error."""

    def __init__(
        self,
        files: Sequence[Path],
        against: Sequence[Path],
        spool: IO[bytes] | None,
        *,
        whole: bool,
        bar: bool,
        quiet: bool,
    ) -> None:
        self._whole = whole
        self._quiet = quiet
        self._spool = spool
        self._shape = ""
        self.read = self.written = self.dropped = self.blank = 0
        self._bar: tqdm[NoReturn] = tqdm(
            total=sum(path.stat().st_size for path in (*against, *files) if path.is_file()),
            unit="B",
            unit_scale=True,
            file=sys.stderr,
            disable=not bar,
            dynamic_ncols=True,
            leave=False,
        )

    def seen(self, count: int) -> None:
        """Move the bar by some bytes."""
        self._bar.set_postfix_str(f"kept {self.written}, dropped {self.dropped}", refresh=False)
        self._bar.update(count)

    def shape(self, first: TableRow, shape: Shape) -> None:
        """Say what is compared of the rows of a file, when that is news."""
        names = [name for name in shape.compared(whole=self._whole) if name in first.columns]
        of = f" of {shape.name} rows" if shape.kind != "joined" else ""
        said = f"comparing {', '.join(names)}{of}"
        if said != self._shape:
            self._shape = said
            self.say(f"{first.file}: {said}")

    def kept(self, work: Dedup, pairs: Iterable[Compared]) -> Iterator[TableRow]:
        """Pass on the rows that are kept; count all, and report those that are not."""
        for verdict in work.verdicts(pairs):
            self.read += 1
            if isinstance(verdict, Duplicate):
                self.dropped += 1
                if self._spool:
                    self._spool.write(to_json(verdict) + b"\n")
                continue
            self.blank += verdict.blank
            self.written += 1
            yield verdict.row

    def say(self, text: str) -> None:
        """Print a line above the bar."""
        if not self._quiet:
            self._bar.clear()
            click.echo(visible(text), err=True)

    def summary(self) -> None:
        """Print what became of the rows."""
        self._bar.close()
        self.say(
            f"read {self.read} rows: kept {self.written}, dropped {self.dropped}, "
            f"blank {self.blank}"
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._bar.close()


def _judge(by: str, threshold: float | None, tokens: str, model: str) -> Novelty:
    """Build the judge of a method; options that it does not have are errors."""
    if by not in METHODS:
        raise unknown_name("method", by, METHODS)
    if tokens and tokens not in TOKENISERS:
        raise unknown_name("tokens", tokens, TOKENISERS)
    if threshold is not None and not 0 <= threshold <= 1:
        raise InputError(f"--threshold is {threshold}", hint="give a number from 0 to 1")
    if tokens and by != "rouge":
        raise InputError(f"--tokens is for --by rouge, not {by}", hint="leave it out")
    if model and by != "semantic":
        raise InputError(f"--by {by} needs no model", hint="leave out --model")
    if by == "exact":
        if threshold is not None:
            raise InputError("--by exact has no threshold", hint="leave out --threshold")
        return Exact()
    return _index(by, threshold, tokens, model)


def _index(by: str, threshold: float | None, tokens: str, model: str) -> Novelty:
    """Import and build a judge that has an index; the others cost nothing."""
    level = THRESHOLDS[by] if threshold is None else threshold
    if by == "rouge":
        from selfinstruct.novelty.rouge import RougeL  # noqa: PLC0415 (slow to import)

        return RougeL(level, tokenise=TOKENISERS[tokens or "unicode"])
    if by == "semantic":
        if not model:
            hint = "for example --model sentence-transformers:all-MiniLM-L6-v2, or a folder"
            raise InputError("--by semantic needs --model", hint=hint)
        from selfinstruct.novelty.semantic import Semantic  # noqa: PLC0415 (slow to import)

        return Semantic(model, min_similarity=level)
    from selfinstruct.novelty.minhash import MinHash  # noqa: PLC0415 (slow to import)

    return MinHash(level)


def _rows(paths: Iterable[Path], forms: dict[Path, str], watch: _Watch) -> Iterator[TableRow]:
    """Yield the rows of all files, in the order given."""
    for path in paths:
        yield from read(path, forms[path], seen=watch.seen)


def _form_to_write(output: Path | None, forms: Sequence[str]) -> str:
    """Return the format of the rows that are kept: by the name, else that of the files."""
    if output:
        return form_to_write(output, forms)
    same = forms[0] if len(set(forms)) == 1 else "jsonl"
    # A terminal or a pipe gets lines: a list has an end, and Parquet is no text.
    return same if same in ("csv", "tsv") else "jsonl"


def _write(rows: Iterable[TableRow], form: str, output: Path | None) -> None:
    """Write a whole file, or print rows as they come."""
    if output:
        replace_file(output, write(rows, form, output))
        return
    for chunk in write(rows, form):
        with _printing():
            sys.stdout.buffer.write(chunk)
    with _printing():
        sys.stdout.buffer.flush()


@contextmanager
def _printing() -> Iterator[None]:
    """Say what the system refused; that nobody reads any more is for `cli.main` to say."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise storage_error(error, Path("standard output")) from error


def _blocks(spool: IO[bytes]) -> Iterator[bytes]:
    """Yield what was put into a temporary file."""
    spool.seek(0)
    while block := spool.read(_BLOCK):
        yield block


def _refuse_overwriting(
    files: Sequence[Path], against: Sequence[Path], output: Path | None, report: Path | None
) -> None:
    """Refuse names that would cost rows: dropped rows are nowhere but in their own file."""
    taken: dict[Path, str] = {}
    for path in (*files, *against):
        if path.resolve() in taken:
            raise InputError(f"{path} is given twice", hint="name each file once")
        taken[path.resolve()] = "is read from"
    for option, target in (("--output", output), ("--report", report)):
        if target is None or (target.exists() and not target.is_file()):
            continue  # a device or a pipe has nothing to lose
        if why := taken.get(target.resolve()):
            message = f"{option} {target} {why}, and would be overwritten"
            raise InputError(message, hint="give another name; move it over when you are sure")
        taken[target.resolve()] = f"is written by {option}"
