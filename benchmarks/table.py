"""From the results to a page of tables and two plots."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from measure import load_results
from novelty_peers import CDIST, FAST, FAST_LARGE, INDEX, PLAIN
from plot import Line, plot

_HERE = Path(__file__).parent
_TIME = ((1e6, " s"), (1e3, " ms"), (1, " µs"))
_BYTES = ((1e9, " GB"), (1e6, " MB"), (1e3, " kB"))
_OURS = {FAST, PLAIN}
_PLOTTED_NOT = {FAST_LARGE, INDEX, "rapidrouge per pair"}


def write_table() -> None:
    """Write novelty.md, novelty.svg and novelty-memory.svg from what was measured so far."""
    results = load_results()
    parts = ["# Novelty and near-duplicates, measured", _INTRODUCTION]
    writers = {
        "query": _query,
        "end-to-end": _end_to_end,
        "exact": _exact,
        "million": _million,
        "minhash": _minhash,
    }
    for name, write in writers.items():
        if name in results:
            parts += [*write(results[name]), _footnote(results[name])]
    (_HERE / "novelty.md").write_text("\n\n".join(parts) + "\n", encoding="utf-8")
    if "query" in results:
        drawn = _cost_plot(results["query"])
        (_HERE / "novelty.svg").write_text(drawn, encoding="utf-8")
    if "million" in results:
        drawn = _memory_plot(results["million"])
        (_HERE / "novelty-memory.svg").write_text(drawn, encoding="utf-8")


_INTRODUCTION = """\
Written by `python benchmarks/novelty.py table` from `results/novelty.json`. All times are CPU
time of one process and its children, the least of interleaved rounds; trust the ratios."""


def _query(section: dict[str, Any]) -> list[str]:
    """Tabulate what a query costs, by peer and pool size, with the ratio to ours."""
    sizes = sorted(section["sizes"], key=int)
    ours = {size: section["sizes"][size]["microseconds"][FAST] for size in sizes}
    rows = []
    for name in section["sizes"][sizes[0]]["microseconds"]:
        costs = [section["sizes"][size]["microseconds"].get(name) for size in sizes]
        cells = [_cost(cost, ours[size]) for cost, size in zip(costs, sizes, strict=True)]
        rows.append([name, *cells, _sample(section["samples"][name], max(map(int, sizes)))])
    head = ["", *(f"{int(size):,} earlier texts" for size in sizes), "measured on"]
    agreement = section["agreement"]
    said = _QUERY_NOTE.format(
        base=section["base"],
        queries=agreement["queries"],
        similar=agreement["similar"],
        differing=sum(agreement["differing"].values()),
    )
    return [
        "## What a query costs",
        "![Cost of a query against the number of earlier texts](novelty.svg)",
        _table(head, rows),
        said,
        " ".join(_alone(size, section["sizes"][size]["microseconds"]) for size in sizes),
        " ".join(_same_verdicts(size, section["sizes"][size]["similar"]) for size in sizes),
    ]


_QUERY_NOTE = """\
In brackets: how many times ours. Base: {base}; pools larger than it go on with grown texts
(`synthetic.py`) that our filter accepted, and all queries are grown. A peer with a sample leaves
no pair out, so it was measured at two sizes and the line through them followed. All peers, on
400 earlier texts, judged the same {queries} texts, {similar} of them too similar; verdicts that
differ: {differing}. Alpaca's loop had a process for each core, Self-Instruct's four."""


def _alone(size: str, costs: dict[str, float]) -> str:
    """Say how the index alone compares: peers get tokens or strings that are ready, too."""
    ratios = [
        f"{costs[name] / costs[INDEX]:,.0f} times for {name}"
        for name in (CDIST, "rouge-score per pair")
        if name in costs and INDEX in costs
    ]
    return f"At {int(size):,}: against the index alone, {' and '.join(ratios)}." if ratios else ""


def _same_verdicts(size: str, found: dict[str, Any]) -> str:
    return (
        f"At {int(size):,}: ours and cdist judged {found['queries']} texts, "
        f"{found['similar']} too similar, {sum(found['differing'].values())} differing."
    )


def _sample(sample: list[int] | None, largest: int) -> str:
    if sample is None:
        return "all"
    queries, records = sample
    texts = "all texts" if records >= largest else f"{records:,} texts"
    return f"{queries} queries, {texts}"


def _end_to_end(section: dict[str, Any]) -> list[str]:
    """Tabulate the whole way at one size."""
    costs = section["microseconds"]
    ours = next(cost for name, cost in costs.items() if name.startswith(FAST))
    rows = [[name, _cost(cost, ours)] for name, cost in costs.items()]
    return [
        f"## From text to verdict, kept where new, at {section['size']:,}",
        _table(["", "a text (times ours)"], rows),
    ]


def _exact(section: dict[str, Any]) -> list[str]:
    """Tabulate the verdicts of each way to compare everything."""
    rows = []
    for stream in ("as it is", "with edited copies"):
        for name, found in section[stream].items():
            differ = [str(found.get(f"{what} differing", "")) for what in ("verdicts", "nearest")]
            counts = [f"{found['texts']:,}", f"{found['accepted']:,}"]
            rows.append([stream, name, *counts, f"`{found['sha256']}`", *differ])
    head = ["stream", "judged by", "texts", "accepted", "digest", "verdicts differ", "nearest"]
    return ["## Exactness", _table(head, rows)]


def _million(section: dict[str, Any]) -> list[str]:
    """Tabulate the growing pool and its weight."""
    rows = []
    for size, mark in section["marks"].items():
        cells = [f"{int(size):,}", f"{mark['candidates']:,}"]
        cells += [
            _human(mark["microseconds, mean of all so far"], _TIME),
            _human(mark["microseconds, median batch of late"], _TIME),
            _human(sum(mark["bytes of the index"].values()), _BYTES),
        ]
        cells += [_human(sizes[size], _BYTES) for sizes in section["bytes resident"].values()]
        rows.append(cells)
    head = ["accepted", "judged", "mean of all, rebuilds and all", "median of late", "index"]
    head += [f"{name}: resident" for name in section["bytes resident"]]
    return [
        "## Growing to a million",
        "![Memory against the number of earlier texts](novelty-memory.svg)",
        _table(head, rows),
        f"Batches of twenty; the longest, a rebuild in it: {section['longest batch']:.2f} s.",
    ]


def _minhash(section: dict[str, Any]) -> list[str]:
    """Tabulate the finders of near-duplicate rows."""
    rows = []
    for name, found in section["finders"].items():
        precision = found["precision"]
        rows.append(
            [
                name,
                f"{found['rows per second']:,.0f}",
                f"{found['recall of planted']:.4f}",
                "" if precision is None else f"{precision:.4f}",
                f"{found['reported']:,}",
                found["note"],
            ]
        )
    head = ["", "rows/s", "recall", "precision", "reported", "how"]
    said = _MINHASH_NOTE.format(rows=section["rows"], planted=section["planted at 0.8 or more"])
    return ["## Near-duplicate rows", _table(head, rows), said]


_MINHASH_NOTE = """\
{rows:,} rows, {planted:,} planted copies with an exact Jaccard of 0.8 or more (recall is of
these). Precision is the part of the reported rows that have another row (for finders that go
through once: an earlier row) at 0.8 or more, by brute force. Differences in recall follow from
the bands each takes, not from quality; times are from text to verdict, so those that are fed
3-grams by Python pay for that, and the last line says how much."""


def _cost(cost: float | None, ours: float) -> str:
    """Write a cost and how many times ours it is."""
    if cost is None:
        return ""
    times = cost / ours
    digits = f"{times:.1f}" if times < 10 else f"{float(f'{times:.2g}'):,.0f}"
    return f"{_human(cost, _TIME)} ({digits})" if times != 1 else f"**{_human(cost, _TIME)}**"


def _human(value: float, units: tuple[tuple[float, str], ...]) -> str:
    """Write a number with three digits in a unit that fits."""
    for size, unit in units:
        if value >= size:
            return f"{float(f'{value / size:.3g}'):g}{unit}"
    return f"{value / units[-1][0]:.2g}{units[-1][1]}"


def _table(head: list[str], rows: Iterable[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _footnote(section: dict[str, Any]) -> str:
    """Say how the numbers came to be."""
    where = section["machine"]
    packages = ", ".join(f"{name} {found}" for name, found in section["versions"].items())
    return (
        f"<sub>`{section['command']}`; {where['cores']} cores, {where['cpu']}, "
        f"Python {where['python']}; {packages}</sub>"
    )


def _cost_plot(section: dict[str, Any]) -> str:
    sizes = section["sizes"]
    largest = max(map(int, sizes))
    lines = []
    for name in next(iter(sizes.values()))["microseconds"]:
        if name in _PLOTTED_NOT:
            continue
        points = [(float(size), found["microseconds"][name]) for size, found in sizes.items()]
        sample = section["samples"][name]
        sampled = sample is not None and sample[1] < largest
        lines.append(Line(name, sorted(points), name in _OURS, name == FAST, sampled))
    title = "CPU time of one query (dashed: from a sample)"
    return plot(title, "earlier texts", _TIME, lines)


def _memory_plot(section: dict[str, Any]) -> str:
    lines = []
    for name, sizes in section["bytes resident"].items():
        points = sorted((float(size), float(found)) for size, found in sizes.items() if found > 0)
        if points:
            lines.append(Line(name, points, name in _OURS, name == FAST))
    return plot("Memory beside the texts themselves", "earlier texts", _BYTES, lines)
