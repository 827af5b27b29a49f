"""The library datasets reads a published run, from the Hub: every row of every configuration."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from command import grown

from hub.made import NAME, environment, publish, published
from hub.server import TOKEN, LoopbackHub

pytestmark = pytest.mark.datasets

CONFIGS = ("alpaca", "flan", "messages", "prompt_completion", "raw", "rejects")
LOAD = """
import json, sys
from datasets import get_dataset_config_names, load_dataset
name, revision = sys.argv[1:]
found = {}
for config in get_dataset_config_names(name, revision=revision):
    rows = list(load_dataset(name, config, revision=revision, split="train"))
    streamed = load_dataset(name, config, revision=revision, split="train", streaming=True)
    assert rows == list(streamed)
    found[config] = rows
assert list(load_dataset(name, revision=revision, split="train")) == found["flan"]
print(json.dumps(found))
"""


def loaded(hub: LoopbackHub, cache: Path, revision: str) -> dict[str, list[dict[str, Any]]]:
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
    found: dict[str, list[dict[str, Any]]] = json.loads(done.stdout)
    return found


def test_a_published_run_loads_by_its_tag(hub: LoopbackHub, tmp_path: Path) -> None:
    """Each configuration has the rows of its file, eagerly and streamed; flan is the default.

    A tag names its own rows, also when another release has followed.
    """
    pytest.importorskip("datasets")
    run_folder = grown(tmp_path)
    assert publish(hub, run_folder, "--tag", "v1").code == 0
    files = published(hub)
    expected = {
        name: [json.loads(line) for line in files[f"data/{name}/train.jsonl"].splitlines()]
        for name in CONFIGS
    }
    more = publish(hub, run_folder, "--tag", "v2", "--split", "test=0.4")
    assert more.code == 0, more
    assert loaded(hub, tmp_path / "cache", "v1") == expected
    fewer = loaded(hub, tmp_path / "cache", "v2")
    assert 0 < len(fewer["raw"]) < len(expected["raw"])
