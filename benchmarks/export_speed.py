"""What an export costs, against `datasets.map` and `to_json` doing the same templating.

Each method is a process of its own, from a JSONL file to a JSONL file, and is timed whole, with
its imports; memory is the most that the process had resident. Methods take turns, and the least
time of each counts. The peer words its rows by our own functions and writes the same rows in one
file; that they are the same is checked. So what differs is how rows are read, passed on and
written. It is used in two ways: row by row, as `map` does unless it is told otherwise, and in
batches of a thousand. Row by row, a row makes one line; so formats with templates are exported
without inverted rows too.

    python benchmarks/export_speed.py measure --rows alpaca.jsonl.gz
    python benchmarks/export_speed.py table
"""

import argparse
import gzip
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec

RESULTS = Path(__file__).parent / "results" / "export_speed.json"
FORMATS = ("flan", "alpaca", "messages", "prompt_completion", "raw")
SINGLE = ", a line for each row"
WORDED = ("flan", "prompt_completion")
METHODS = (*FORMATS, *(name + SINGLE for name in WORDED))
_PEER = ("memory", "ratio")
HEAD = ("CPU seconds", "rows a second", "memory", "`map`", *_PEER, "`map`, batched", *_PEER)
PEER = "map: "
BATCHED = "map, batched: "
PEERS = (
    *(PEER + name for name in METHODS if name not in WORDED),
    *(BATCHED + name for name in METHODS),
)
MIXTURE = "[types]\ninversion = { rate = 0.0 }\n"


def main() -> None:
    """Measure, or write the table, or be one of the processes measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("section", choices=["measure", "table", "peer"])
    parser.add_argument("--rows", type=Path)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--mixture", type=Path)
    parser.add_argument("--format", default="flan")
    parser.add_argument("--batched", action="store_true")
    given = parser.parse_args()
    if given.section == "measure":
        measure(given.rows, given.rounds)
    elif given.section == "peer":
        by_datasets(given.rows, given.out, given.format, given.mixture, given.batched)
    else:
        sys.stdout.write(table(json.loads(RESULTS.read_text(encoding="utf-8"))))


def by_datasets(
    rows: Path,
    out: Path,
    name: str,
    mixture: Path | None,
    batched: bool,  # noqa: FBT001
) -> None:
    """Write what an export writes by the means of `datasets`."""
    from datasets import load_dataset  # noqa: PLC0415 (loaded where it is measured)

    from selfinstruct.export import FORMATS, Ways, found_rows  # noqa: PLC0415
    from selfinstruct.export.formats import begun  # noqa: PLC0415
    from selfinstruct.export.mixture import load_mixture  # noqa: PLC0415
    from selfinstruct.tables import TableRow  # noqa: PLC0415
    from selfinstruct.tables.shapes import Shape, recognise  # noqa: PLC0415

    render, _ = begun(name, Ways(load_mixture(mixture)))
    names = FORMATS[name].row_type.__struct_fields__
    shapes: list[Shape] = []

    def lines(columns: dict[str, str], place: int) -> list[dict[str, Any]]:
        """Return the lines of a row."""
        if not shapes:
            shapes.append(recognise(columns))
        pair = (TableRow(rows, place + 1, columns), shapes[0])
        found = found_rows(iter([pair]), language="en")
        return [msgspec.to_builtins(line) for row in found for line in render(row)]

    def one(row: dict[str, str], place: int) -> dict[str, Any]:
        """Word a row."""
        return lines(row, place)[0]

    def many(batch: dict[str, list[str]], places: list[int]) -> dict[str, list[Any]]:
        """Word a batch, by column."""
        values = zip(*batch.values(), strict=True)
        columns = [dict(zip(batch, value, strict=True)) for value in values]
        pairs = zip(columns, places, strict=True)
        done = [line for row, place in pairs for line in lines(row, place)]
        return {name: [line[name] for line in done] for name in names}

    cache = str(out.parent / "cache")
    found = load_dataset("json", data_files=str(rows), split="train", cache_dir=cache)
    words: dict[str, Any] = {"function": many, "batched": True} if batched else {"function": one}
    done = found.map(with_indices=True, remove_columns=found.column_names, **words)
    done.to_json(str(out), force_ascii=False)


def measure(rows: Path, rounds: int) -> None:
    """Run every method in turn, several times, and keep the least time and the most memory."""
    found: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        plain = Path(folder) / "rows.jsonl"
        data = gzip.decompress(rows.read_bytes()) if rows.suffix == ".gz" else rows.read_bytes()
        # Rows without an answer are left out by an export: here nobody has to look for them.
        kept = [line for line in data.split(b"\n") if line and json.loads(line)["output"].strip()]
        plain.write_bytes(b"\n".join(kept) + b"\n")
        (Path(folder) / "mixture.toml").write_text(MIXTURE, encoding="utf-8")
        for _ in range(rounds):
            for name in (*METHODS, *PEERS):
                seconds, memory = timed(command(name, plain, Path(folder)))
                before = found.setdefault(name, {"seconds": seconds, "mib": memory})
                before["seconds"] = min(before["seconds"], seconds)
                before["mib"] = max(before["mib"], memory)
        for name in PEERS:
            check_same(plain, Path(folder), name)
    packages = {name: version(name) for name in ("selfinstruct", "datasets", "pyarrow")}
    about = {"rows": len(kept), "rounds": rounds, "python": platform.python_version(), **packages}
    result = json.dumps({"about": about, "methods": found}, indent=1)
    RESULTS.write_text(result + "\n", encoding="utf-8")


def check_same(rows: Path, folder: Path, peer: str) -> None:
    """Stop where the peer does not write the rows that we write."""
    written = []
    method = peer.partition(": ")[2]
    pattern = f"out/{method.removesuffix(SINGLE)}/*.jsonl"
    for name, place in ((method, pattern), (peer, "out.jsonl")):
        timed(command(name, rows, folder))
        paths = sorted(folder.glob(place))
        text = "".join(path.read_text(encoding="utf-8") for path in paths)
        written.append([json.loads(line) for line in text.split("\n") if line])
    if written[0] != written[1] or not written[0]:
        sys.exit(f"{peer}: it wrote other rows")


def command(name: str, rows: Path, folder: Path) -> list[str]:
    """Return the command of a method; what an earlier one left is removed."""
    for left in ("out", "cache", "out.jsonl"):
        shutil.rmtree(folder / left, ignore_errors=True)
        (folder / left).unlink(missing_ok=True) if not (folder / left).is_dir() else None
    way, _, method = name.rpartition(": ")
    words = ["--format", method.removesuffix(SINGLE)]
    words += ["--mixture", f"{folder}/mixture.toml"] if method.endswith(SINGLE) else []
    if way:
        words += ["--batched"] if f"{way}: " == BATCHED else []
        given = ["peer", "--rows", str(rows), "--out", f"{folder}/out.jsonl", *words]
        return [sys.executable, __file__, *given]
    given = ["export", str(rows), "--out", f"{folder}/out", "--quiet", *words]
    return [sys.executable, "-m", "selfinstruct", *given]


def timed(words: list[str]) -> tuple[float, float]:
    """Return the CPU seconds and the most MiB resident of a process and of those it started."""
    environment = {**os.environ, "HF_DATASETS_DISABLE_PROGRESS_BARS": "1", "HF_HUB_OFFLINE": "1"}
    watch = (
        "import resource, subprocess, sys\n"
        "done = subprocess.run(sys.argv[1:], check=True)\n"
        "used = resource.getrusage(resource.RUSAGE_CHILDREN)\n"
        "print(used.ru_utime + used.ru_stime, used.ru_maxrss)\n"
    )
    done = subprocess.run(  # noqa: S603 (commands of ours)
        [sys.executable, "-c", watch, *words],
        check=True,
        capture_output=True,
        text=True,
        env=environment,
    )
    seconds, memory = done.stdout.split()[-2:]
    return float(seconds), int(memory) / 1024


def table(result: dict[str, Any]) -> str:
    """Return the results as Markdown."""
    rows, methods = result["about"]["rows"], result["methods"]
    lines = [
        f"| format | {' | '.join(HEAD)} |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for name in METHODS:
        one = methods[name]
        cells = [name, f"{one['seconds']:.2f}", f"{rows / one['seconds']:,.0f}"]
        cells.append(f"{one['mib']:.0f} MiB")
        for peer in (methods.get(PEER + name), methods.get(BATCHED + name)):
            if peer:
                cells += [f"{peer['seconds']:.2f}", f"{peer['mib']:.0f} MiB"]
                cells.append(f"{peer['seconds'] / one['seconds']:.1f}")
            else:
                cells += ["", "", ""]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
