"""The library datasets reads what was published, from the Hub: every row, at its tag."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from hub.made import NAME, environment, held, release
from hub.server import TOKEN, LoopbackHub
from hub.tried import Tried

pytestmark = pytest.mark.datasets

LOAD = """
import json, sys
from datasets import load_dataset
name, revision = sys.argv[1:]
rows = load_dataset(name, "flan", revision=revision, split="train")
streamed = load_dataset(name, "flan", revision=revision, split="train", streaming=True)
assert list(rows) == list(streamed)
print(json.dumps(list(rows)))
"""


def rows(hub: LoopbackHub, cache: Path, revision: str) -> list[dict[str, str]]:
    """Load a revision in a process of its own: the library reads HF_ENDPOINT once."""
    variables = environment(cache, HF_ENDPOINT=hub.url, HF_TOKEN=TOKEN)
    done = subprocess.run(
        [sys.executable, "-c", LOAD, NAME, revision],
        env={**os.environ, **variables},
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    found: list[dict[str, str]] = json.loads(done.stdout)
    return found


def test_a_published_release_loads_by_its_tag(
    hub: LoopbackHub, tmp_path: Path, tried: Tried
) -> None:
    """Each tag names its own rows, also after the next release."""
    pytest.importorskip("datasets")
    for seed in (0, 1):
        tried.publish(release(tmp_path / str(seed), seed), f"v{seed}")
    for seed in (0, 1):
        files = held(tmp_path / str(seed))
        parts = [path for path in sorted(files) if path.startswith("data/flan/")]
        expected = [json.loads(line) for path in parts for line in files[path].splitlines()]
        assert rows(hub, tmp_path / "cache", f"v{seed}") == expected
