"""What every section shares: CPU time, memory, the rows, and the file that holds the results.

CPU time is that of this process and of the processes it started and waited for. Rounds are
interleaved (every method once, then every method again) and the least of them counts, so that
a busy neighbour costs a round and not a ratio.
"""

import gc
import gzip
import importlib
import json
import os
import platform
import resource
import time
from collections.abc import Callable, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

T = TypeVar("T")

RESULTS = Path(__file__).parent / "results" / "novelty.json"
THRESHOLD = 0.7
_PACKAGES = (
    "selfinstruct",
    "numpy",
    "numba",
    "rapidfuzz",
    "rouge-score",
    "rapidrouge",
    "rouge-rust",
    "rouge-score-rs",
    "datasketch",
    "rensa",
    "datatrove",
    "spacy",
    "semhash",
    "wordllama",
)


def one_thread() -> None:
    """Keep every library on one thread and quiet; to be called before a peer is imported."""
    for name in ("RAYON_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = "1"
    os.environ["TQDM_DISABLE"] = "1"


def library(name: str) -> Any:  # noqa: ANN401 (a module of a peer, which has no types)
    """Return a peer's module, or None where it is not installed."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError:
        return None


def clock() -> float:
    """Return the CPU seconds of this process and of its finished children."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def cpu(work: Callable[[], T]) -> tuple[float, T]:
    """Return the CPU seconds that some work took, and what it returned."""
    before = clock()
    result = work()
    return clock() - before, result


def interleaved(works: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Return the least CPU seconds of each work over rounds that take turns.

    What was loaded before is hidden from the garbage collector, so that a work that makes many
    objects does not pay for the heap of the others.
    """
    gc.collect()
    gc.freeze()
    least = dict.fromkeys(works, float("inf"))
    for _ in range(rounds):
        for name, work in works.items():
            least[name] = min(least[name], cpu(work)[0])
    gc.unfreeze()
    return least


def resident() -> int:
    """Return the bytes of memory that this process holds now."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize()


def read_rows(path: Path, limit: int | None = None) -> list[dict[str, str]]:
    """Return the rows of a (gzipped) JSONL file of instruction, input and output."""
    opened = gzip.open if path.suffix == ".gz" else open
    rows: list[dict[str, str]] = []
    with opened(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            if limit is not None and len(rows) >= limit:
                break
            rows.append(json.loads(line))
    return rows


def spread(texts: list[str], count: int) -> list[str]:
    """Return `count` texts evenly over the lengths, so that a small sample is not a lucky one."""
    if count >= len(texts):
        return texts
    order = sorted(range(len(texts)), key=lambda row: len(texts[row]))
    picks = np.linspace(0, len(texts) - 1, count + 2)[1:-1].astype(int)
    return [texts[order[pick]] for pick in picks]


def machine() -> dict[str, object]:
    """Describe the processor and Python: no names, no paths."""
    model = platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                model = line.partition(":")[2].strip()
                break
    return {"cpu": model, "cores": os.cpu_count(), "python": platform.python_version()}


def versions() -> dict[str, str]:
    """Return the versions of what is compared, where it is installed."""
    found: dict[str, str] = {}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def load_results() -> dict[str, Any]:
    """Return the results so far, by section."""
    if not RESULTS.exists():
        return {}
    found: dict[str, Any] = json.loads(RESULTS.read_text(encoding="utf-8"))
    return found


def save_section(
    name: str, command: str, numbers: Mapping[str, object], extend: str | None = None
) -> None:
    """Merge one section into the results; on the same base, the part `extend` keeps its keys."""
    results = load_results()
    before = results.get(name, {})
    section = {**numbers, "command": command, "machine": machine(), "versions": versions()}
    if extend and before.get("base") == numbers["base"]:
        section[extend] = {**before[extend], **numbers[extend]}  # type: ignore[dict-item]
        section["command"] = "; ".join(dict.fromkeys([*before["command"].split("; "), command]))
    results[name] = section
    RESULTS.parent.mkdir(exist_ok=True)
    text = json.dumps(results, indent=1, ensure_ascii=False)
    RESULTS.write_text(text + "\n", encoding="utf-8")
