"""What an export costs, against `datasets.map` and `to_json` doing the same templating.

Each method is a process of its own, from a JSONL file to a JSONL file, and is timed whole, with
its imports; memory is the most that the process had resident. Methods take turns, and the least
time of each counts. The peer words its rows by our own functions, in batches, and writes the same
rows in one file; that they are the same is checked. So what differs is how rows are read, passed
on and written.

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
PEER = "datasets.map + to_json"


def main() -> None:
    """Measure, or write the table, or be one of the processes measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("section", choices=["measure", "table", "peer"])
    parser.add_argument("--rows", type=Path)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    if given.section == "measure":
        measure(given.rows, given.rounds)
    elif given.section == "peer":
        by_datasets(given.rows, given.out)
    else:
        sys.stdout.write(table(json.loads(RESULTS.read_text(encoding="utf-8"))))


def by_datasets(rows: Path, out: Path) -> None:
    """Write what the export `flan` writes by the means of `datasets`, in batches, as it advises."""
    from datasets import load_dataset  # noqa: PLC0415 (loaded where it is measured)

    from selfinstruct.export import found_rows  # noqa: PLC0415
    from selfinstruct.export.flan import Flan, FlanRow  # noqa: PLC0415
    from selfinstruct.export.mixture import Selection, load_mixture  # noqa: PLC0415
    from selfinstruct.tables import TableRow  # noqa: PLC0415
    from selfinstruct.tables.shapes import recognise  # noqa: PLC0415

    mixture = load_mixture()
    flan, chosen = Flan(mixture), Selection(mixture)
    names = FlanRow.__struct_fields__

    def worded(batch: dict[str, list[str]], places: list[int]) -> dict[str, list[Any]]:
        """Return the Flan rows of a batch, by column."""
        columns = [
            dict(zip(batch, values, strict=True)) for values in zip(*batch.values(), strict=True)
        ]
        shape = recognise(columns[0])
        table = (TableRow(rows, n + 1, one) for n, one in zip(places, columns, strict=True))
        found = found_rows(((row, shape) for row in table), language="en")
        lines = [line for row in found if chosen.takes(row) for line in flan(row)]
        plain = [msgspec.to_builtins(line) for line in lines]
        return {name: [line[name] for line in plain] for name in names}

    cache = str(out.parent / "cache")
    found = load_dataset("json", data_files=str(rows), split="train", cache_dir=cache)
    done = found.map(worded, with_indices=True, batched=True, remove_columns=found.column_names)
    done.to_json(str(out), force_ascii=False)


def measure(rows: Path, rounds: int) -> None:
    """Run every method in turn, several times, and keep the least time and the most memory."""
    found: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        plain = Path(folder) / "rows.jsonl"
        data = gzip.decompress(rows.read_bytes()) if rows.suffix == ".gz" else rows.read_bytes()
        plain.write_bytes(data)
        for _ in range(rounds):
            for name in (*OURS, PEER):
                seconds, memory = timed(command(name, plain, Path(folder)))
                before = found.setdefault(name, {"seconds": seconds, "mib": memory})
                before["seconds"] = min(before["seconds"], seconds)
                before["mib"] = max(before["mib"], memory)
        check_same(plain, Path(folder))
    many = data.count(b"\n") + (not data.endswith(b"\n"))
    packages = {name: version(name) for name in ("selfinstruct", "datasets", "pyarrow")}
    about = {"rows": many, "rounds": rounds, "python": platform.python_version(), **packages}
    result = json.dumps({"about": about, "methods": found}, indent=1)
    RESULTS.write_text(result + "\n", encoding="utf-8")


def check_same(rows: Path, folder: Path) -> None:
    """Stop where the peer does not write the rows that we write."""
    written = []
    for name, pattern in (("flan", "out/flan/*.jsonl"), (PEER, "out.jsonl")):
        timed(command(name, rows, folder))
        paths = sorted(folder.glob(pattern))
        text = "".join(path.read_text(encoding="utf-8") for path in paths)
        written.append([json.loads(line) for line in text.split("\n") if line])
    if written[0] != written[1]:
        sys.exit("the peer wrote other rows")


def command(name: str, rows: Path, folder: Path) -> list[str]:
    """Return the command of a method; what an earlier one left is removed."""
    for left in ("out", "cache", "out.jsonl"):
        shutil.rmtree(folder / left, ignore_errors=True)
        (folder / left).unlink(missing_ok=True) if not (folder / left).is_dir() else None
    if name == PEER:
        return [
            sys.executable,
            __file__,
            "peer",
            "--rows",
            str(rows),
            "--out",
            f"{folder}/out.jsonl",
        ]
    words = ["export", str(rows), "--format", name, "--out", f"{folder}/out", "--quiet"]
    return [sys.executable, "-m", "selfinstruct", *words]


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
    about, methods = result["about"], result["methods"]
    peer = methods[PEER]
    lines = [
        "| method | CPU seconds | rows a second | peak memory | times as fast as the peer |",
        "|---|---|---|---|---|",
    ]
    for name, one in methods.items():
        ratio = "1" if name == PEER else f"{peer['seconds'] / one['seconds']:.1f}"
        speed = about["rows"] / one["seconds"]
        label = name if name == PEER else f"`selfinstruct export --format {name}`"
        lines.append(
            f"| {label} | {one['seconds']:.2f} | {speed:,.0f} | {one['mib']:.0f} MiB | {ratio} |"
        )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
