"""What an export costs, against `datasets.map` and `to_json` doing the same templating.

Each method is a process of its own, from a JSONL file to a JSONL file, and is timed whole, with
its imports; memory is the most that the process had resident. Methods take turns, and the least
time of each counts. The peer words its rows by our own functions and writes the same rows in one
file; that they are the same is checked. So what differs is how rows are read, passed on and
written. It is used in two ways: in batches, and (as rows are then one to one, without inverted
ones) row by row.

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
OURS = ("flan", "alpaca", "messages", "prompt_completion", "raw")
SINGLE = "flan, a line for each row"
METHODS = (*OURS, SINGLE)
PEER = "datasets: "
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
    given = parser.parse_args()
    if given.section == "measure":
        measure(given.rows, given.rounds)
    elif given.section == "peer":
        by_datasets(given.rows, given.out, given.format, given.mixture)
    else:
        sys.stdout.write(table(json.loads(RESULTS.read_text(encoding="utf-8"))))


def by_datasets(rows: Path, out: Path, name: str, mixture_path: Path | None) -> None:
    """Write what an export writes by the means of `datasets`; row by row with a mixture."""
    from datasets import load_dataset  # noqa: PLC0415 (loaded where it is measured)

    from selfinstruct.export import FORMATS, Ways, found_rows  # noqa: PLC0415
    from selfinstruct.export.formats import begun  # noqa: PLC0415
    from selfinstruct.export.mixture import load_mixture  # noqa: PLC0415
    from selfinstruct.tables import TableRow  # noqa: PLC0415
    from selfinstruct.tables.shapes import recognise  # noqa: PLC0415

    render, _ = begun(name, Ways(load_mixture(mixture_path)))
    names = FORMATS[name].row_type.__struct_fields__

    def lines(columns: dict[str, str], place: int) -> list[dict[str, Any]]:
        """Return the lines of a row."""
        pair = (TableRow(rows, place + 1, columns), recognise(columns))
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
    words: dict[str, Any] = (
        {"function": one} if mixture_path else {"function": many, "batched": True}
    )
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
            for name in (*METHODS, *(PEER + one for one in METHODS)):
                seconds, memory = timed(command(name, plain, Path(folder)))
                before = found.setdefault(name, {"seconds": seconds, "mib": memory})
                before["seconds"] = min(before["seconds"], seconds)
                before["mib"] = max(before["mib"], memory)
        for name in METHODS:
            check_same(plain, Path(folder), name)
    packages = {name: version(name) for name in ("selfinstruct", "datasets", "pyarrow")}
    about = {"rows": len(kept), "rounds": rounds, "python": platform.python_version(), **packages}
    result = json.dumps({"about": about, "methods": found}, indent=1)
    RESULTS.write_text(result + "\n", encoding="utf-8")


def check_same(rows: Path, folder: Path, method: str) -> None:
    """Stop where the peer does not write the rows that we write."""
    written = []
    pattern = f"out/{method.partition(',')[0]}/*.jsonl"
    for name, place in ((method, pattern), (PEER + method, "out.jsonl")):
        timed(command(name, rows, folder))
        paths = sorted(folder.glob(place))
        text = "".join(path.read_text(encoding="utf-8") for path in paths)
        written.append([json.loads(line) for line in text.split("\n") if line])
    if written[0] != written[1] or not written[0]:
        sys.exit(f"{method}: the peer wrote other rows")


def command(name: str, rows: Path, folder: Path) -> list[str]:
    """Return the command of a method; what an earlier one left is removed."""
    for left in ("out", "cache", "out.jsonl"):
        shutil.rmtree(folder / left, ignore_errors=True)
        (folder / left).unlink(missing_ok=True) if not (folder / left).is_dir() else None
    method = name.removeprefix(PEER)
    words = ["--format", method.partition(",")[0]]
    words += ["--mixture", f"{folder}/mixture.toml"] if method == SINGLE else []
    if name != method:
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
        "| format | CPU seconds | rows a second | peak memory | the peer | its memory | ratio |",
        "|---|---|---|---|---|---|---|",
    ]
    for name in METHODS:
        one, peer = methods[name], methods[PEER + name]
        lines.append(
            f"| {name} | {one['seconds']:.2f} | {rows / one['seconds']:,.0f} "
            f"| {one['mib']:.0f} MiB | {peer['seconds']:.2f} | {peer['mib']:.0f} MiB "
            f"| {peer['seconds'] / one['seconds']:.1f} |"
        )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
