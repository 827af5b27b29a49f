"""LLaMA-Factory trains from a published repository: by REMOTE: and its name, and nothing else."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hub.made import NAME, environment, publish, published
from hub.server import LoopbackHub

from trainers.factory import SPOKEN, saved_model, settings, sides
from trainers.tiny import END

pytestmark = [
    pytest.mark.llamafactory,
    pytest.mark.filterwarnings("default"),  # what its libraries deprecate is not ours to mend
]

FORMATS = ("flan", "alpaca", "messages")
FOLDERS = tuple(f"data/{name}/" for name in FORMATS)
TESTS = Path(__file__).parent.parent
TRAIN = """
import json, sys
from pathlib import Path
from trainers.factory import batch_of, trained
given = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
found = {}
for one in given:
    asked, answered = batch_of({**one, "cutoff_len": 1_000_000})
    is_train = not one["dataset"].endswith("_test")
    changed = trained(one, Path(one["model_name_or_path"])) if is_train else ()
    found[one["dataset"]] = asked, answered, sorted(changed)
Path(sys.argv[2]).write_text(json.dumps(found), encoding="utf-8")
"""


@pytest.fixture(scope="module")
def hub(run_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoopbackHub]:
    """Start a Hub and publish a grown run there: two splits, the larger in several files."""
    pytest.importorskip("llamafactory", reason="needs make test-llamafactory")
    server = LoopbackHub()
    try:
        cache = str(tmp_path_factory.mktemp("publisher"))
        more = ("--tag", "v1", "--split", "test=0.2", "--shard-size", "10kB")
        result = publish(server, run_folder, *more, HF_HOME=cache)
        assert result.code == 0, result
        yield server
    finally:
        server.stop()


def rows_of(hub: LoopbackHub, name: str, split: str = "train") -> list[dict[str, Any]]:
    """Return the rows of a format and split in the repository, over all of its files."""
    start = f"data/{name}/{split}"
    found = [data for path, data in sorted(published(hub).items()) if path.startswith(start)]
    assert len(found) > (split == "train"), f"several files of {name}, else this tests less"
    return [json.loads(line) for data in found for line in data.splitlines()]


def fetched(hub: LoopbackHub, since: int) -> set[str]:
    """Return the paths of the repository's files that were read after so many requests."""
    gets = (one.path for one in hub.requests[since:] if one.method == "GET")
    start = f"/datasets/{NAME}/resolve/"
    found = (path.removeprefix(start) for path in gets if path.startswith(start))
    return {path.partition("/")[2] for path in found}


@pytest.fixture(scope="module")
def model(hub: LoopbackHub, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a tiny model, as a user would name one."""
    return saved_model(rows_of(hub, "alpaca"), tmp_path_factory.mktemp("model"))


def started(hub: LoopbackHub, folder: Path, *command: str) -> None:
    """Run a command that knows the Hub as its endpoint, and has a token for none.

    In a process of its own: libraries read HF_ENDPOINT once.
    """
    paths = os.pathsep.join((str(TESTS), str(TESTS / "trainers" / "stubs")))
    more = {"HF_ENDPOINT": hub.url, "HF_HUB_DISABLE_IMPLICIT_TOKEN": "1", "PYTHONPATH": paths}
    done = subprocess.run(
        [str(Path(sys.executable).with_name(command[0])), *command[1:]],
        cwd=folder,
        env=os.environ | environment(folder / "cache", **more),
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_the_loss_is_on_the_answers_of_the_repository(
    hub: LoopbackHub, model: Path, tmp_path: Path
) -> None:
    """By REMOTE: every row of a format and split is read, and two steps change every layer.

    Its question has no loss and its answer has; what is read is the repository alone, by anybody.
    """
    before = len(hub.requests)
    labels = {
        f"selfinstruct_{name}{end}": rows_of(hub, name, end.strip("_") or "train")
        for name in FORMATS
        for end in ("", "_test")
    }
    given = [settings(model, f"REMOTE:{NAME}", label, tmp_path / "out" / label) for label in labels]
    (tmp_path / "given.json").write_text(json.dumps(given), encoding="utf-8")
    started(hub, tmp_path, "python", "-c", TRAIN, "given.json", "found.json")
    found = json.loads((tmp_path / "found.json").read_text(encoding="utf-8"))
    layers = {f"model.layers.{n}.mlp.up_proj.weight" for n in range(2)}
    for label, rows in labels.items():
        asked, answered, changed = found[label]
        expected = [sides(label.split("_")[1], row) for row in rows]
        assert answered == [answer + SPOKEN for _, answer in expected]
        assert asked == [f"Human: {ask}{END}\nAssistant:" for ask, _ in expected]
        assert label.endswith("_test") or layers <= set(changed)
    files = {path for path in published(hub) if path.startswith(FOLDERS)}
    assert files | {"dataset_info.json"} <= fetched(hub, before)
    assert not any("authorization" in one.headers for one in hub.requests[before:])


def test_what_the_card_says_trains(hub: LoopbackHub, model: Path, tmp_path: Path) -> None:
    """The configuration on the card of a repository trains by its command, once it has a model."""
    card = published(hub)["README.md"].decode()
    config = next(
        one for one in re.findall(r"```yaml\n(.*?)```", card, re.DOTALL) if "stage:" in one
    )
    filled = config.replace("MODEL", str(model)) + "use_cpu: true\nmax_steps: 2\n"
    (tmp_path / "sft.yaml").write_text(filled, encoding="utf-8")
    before = len(hub.requests)
    started(hub, tmp_path, "llamafactory-cli", "train", "sft.yaml")
    assert (tmp_path / "out" / "adapter_model.safetensors").exists()
    files = {path for path in published(hub) if path.startswith("data/flan/")}
    assert files | {"dataset_info.json"} <= fetched(hub, before)
