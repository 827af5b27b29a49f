r"""The benchmark of novelty and near-duplicates.

Each section merges its numbers into `results/novelty.json`; `table` writes `novelty.md` and the
plots from that. A peer that is not installed is left out. On a quiet machine:

    python3 -m venv .venv-bench
    .venv-bench/bin/pip install -e . numba rouge-score==0.1.2 rouge-score-rs rouge-rust \
        rapidrouge datasketch rensa datatrove 'xxhash<4' spacy semhash wordllama
    .venv-bench/bin/python benchmarks/novelty.py query --rows alpaca_en.jsonl.gz
"""

import sys
from pathlib import Path

import click
from measure import one_thread, read_rows, save_section

one_thread()

from minhash import minhash_section  # noqa: E402 (threads are counted at import)
from novelty_exact import exact_section  # noqa: E402
from novelty_million import million_section  # noqa: E402
from novelty_query import end_to_end_section, query_section  # noqa: E402
from novelty_sets import source  # noqa: E402
from table import write_table  # noqa: E402

_ROWS = click.option(
    "--rows",
    type=click.Path(path_type=Path, dir_okay=False),
    help="JSONL(.gz) of instruction, input, output. Without it: made-up words.",
)
_ROUNDS = click.option("--rounds", default=5, show_default=True, help="Rounds that take turns.")


def _numbers(_context: click.Context, _option: click.Parameter, value: str) -> list[int]:
    """Read whole numbers with commas between, such as 1000,10000."""
    try:
        return [int(float(part)) for part in value.split(",")]
    except ValueError:
        raise click.BadParameter(f"{value!r} is not a list of whole numbers") from None


def _command() -> str:
    """Return the command line, of each path only the last part."""
    words = [Path(word).name if "/" in word else word for word in sys.argv[1:]]
    return " ".join(["python benchmarks/novelty.py", *words])


@click.group()
def main() -> None:
    """Measure novelty against its peers: CPU time, exactness, memory."""


@main.command()
@_ROWS
@_ROUNDS
@click.option("--sizes", callback=_numbers, default="1000,10000,52002", show_default=True)
@click.option("--queries", default=2000, show_default=True, help="Fresh texts asked for.")
def query(rows: Path | None, rounds: int, sizes: list[int], queries: int) -> None:
    """Cost of a query, by number of earlier texts."""
    numbers = query_section(source(rows), sizes, queries, rounds)
    save_section("query", _command(), numbers, extend="sizes")


@main.command("end-to-end")
@_ROWS
@_ROUNDS
@click.option("--size", default=52002, show_default=True, help="Texts of the stream.")
@click.option("--tail", default=4000, show_default=True, help="Last texts that are measured.")
def end_to_end(rows: Path | None, rounds: int, size: int, tail: int) -> None:
    """Cost of a text from text to verdict, kept where new, in batches of twenty."""
    save_section("end-to-end", _command(), end_to_end_section(source(rows), size, tail, rounds))


@main.command()
@_ROWS
@click.option("--limit", default=52002, show_default=True, help="Texts of the stream.")
@click.option("--literal", default=3000, show_default=True, help="Texts judged by rouge_score.")
@click.option("--plain/--no-plain", default=True, help="Compare with the plain tier, on all.")
@click.option("--brute/--no-brute", default=True, help="Compare with rapidfuzz, on all.")
def exact(rows: Path | None, limit: int, literal: int, *, plain: bool, brute: bool) -> None:
    """Compare verdicts with those of comparing everything with everything."""
    numbers = exact_section(source(rows), limit, literal, plain=plain, brute=brute)
    save_section("exact", _command(), numbers)


@main.command()
@_ROWS
@click.option("--sizes", callback=_numbers, default="10000,100000,1000000", show_default=True)
def million(rows: Path | None, sizes: list[int]) -> None:
    """Grow a pool to a million: cost on the way, memory, pauses."""
    save_section("million", _command(), million_section(source(rows), sizes))


@main.command()
@_ROWS
@click.option("--rounds", default=2, show_default=True, help="Rounds that take turns.")
@click.option("--limit", type=int, help="Rows to take, of all.")
def minhash(rows: Path | None, rounds: int, limit: int | None) -> None:
    """Find near-duplicate rows: speed, recall, precision."""
    if rows is None or not rows.exists():
        base = source(None)
        texts, name = base.instructions, base.name
    else:
        found, name = read_rows(rows, limit), rows.name
        texts = ["\n".join((row["instruction"], row["input"], row["output"])) for row in found]
    save_section("minhash", _command(), minhash_section(texts[:limit], name, rounds))


@main.command()
def table() -> None:
    """Write novelty.md and the plots from the results."""
    write_table()


if __name__ == "__main__":
    main()
