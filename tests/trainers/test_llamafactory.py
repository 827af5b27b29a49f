"""LLaMA-Factory: two steps on each export by its dataset_info.json, and what the loss is on."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from command import copied

from trainers.exports import FORMATS, HOSTILE, export, in_order, mended, written
from trainers.factory import SPOKEN, batch_of, saved_model, settings, sides, trained
from trainers.tiny import END

pytestmark = [
    pytest.mark.llamafactory,
    pytest.mark.filterwarnings("default"),  # what its libraries deprecate is not ours to mend
]


@pytest.fixture(scope="module")
def model(from_run: Path, from_hostile: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a tiny model, as a user would name one."""
    pytest.importorskip("llamafactory", reason="needs make test-llamafactory")
    rows = written(from_run, "alpaca") + written(from_hostile, "alpaca")
    return saved_model(rows, tmp_path_factory.mktemp("model"))


@pytest.mark.parametrize("source", ["from_run", "from_hostile", "in_parquet"])
@pytest.mark.parametrize("name", FORMATS)
def test_the_loss_is_on_the_answer(
    name: str, source: str, model: Path, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """Of every row of every format, it reads the question whole, and learns the answer alone."""
    folder = request.getfixturevalue(source)
    given = settings(model, str(folder), f"selfinstruct_{name}", tmp_path, cutoff_len=1_000_000)
    asked, answered = batch_of(given)
    lines = request.getfixturevalue("from_hostile") if source == "in_parquet" else folder
    expected = [sides(name, row) for row in written(lines, name)]
    assert answered == [answer + SPOKEN for _, answer in expected]
    assert asked == [f"Human: {ask}{END}\nAssistant:" for ask, _ in expected]


@pytest.mark.parametrize("name", FORMATS)
def test_what_is_learnt_is_what_was_given(
    name: str, model: Path, from_hostile: Path, tmp_path: Path
) -> None:
    """From file to loss, an output stays what it was: Chinese, emoji, any line end, 100 kB."""
    given = settings(
        model, str(from_hostile), f"selfinstruct_{name}", tmp_path, cutoff_len=1_000_000
    )
    _, answered = batch_of(given)
    found = [text.removeprefix(" ") for text in answered]
    assert in_order([mended(output) + SPOKEN for _, _, output in HOSTILE], found)


def test_files_of_a_split_are_named_one_by_one(
    model: Path, run_folder: Path, tmp_path: Path
) -> None:
    """Where a split has several files, their names together are all of its rows, and no other's."""
    more = ("--split", "test=0.2", "--shard-size", "10kB")
    folder = export(run_folder, tmp_path / "export", "alpaca", more=more)
    info = json.loads((folder / "dataset_info.json").read_text(encoding="utf-8"))
    names = [name for name in info if not name.startswith("selfinstruct_alpaca_test")]
    assert len(names) > 1
    _, answered = batch_of(settings(model, str(folder), ",".join(names), tmp_path / "out"))
    assert answered == [row["output"] + SPOKEN for row in written(folder, "alpaca")]


@pytest.mark.parametrize("name", FORMATS)
def test_two_steps_of_fine_tuning(name: str, model: Path, from_run: Path, tmp_path: Path) -> None:
    """Fine-tuning on a format by its name in dataset_info.json changes every layer."""
    changed = trained(settings(model, str(from_run), f"selfinstruct_{name}", tmp_path), model)
    assert {f"model.layers.{n}.mlp.up_proj.weight" for n in range(2)} <= changed


def test_two_steps_of_preference(model: Path, with_pairs: Path, tmp_path: Path) -> None:
    """DPO finds the pairs by their name in dataset_info.json."""
    given = settings(model, str(with_pairs), "selfinstruct_preference", tmp_path, stage="dpo")
    assert "model.layers.0.self_attn.v_proj.weight" in trained(given, model)


def test_what_the_readme_says_trains(model: Path, from_run: Path, tmp_path: Path) -> None:
    """The configuration in an export's README trains by its command, once it has a model."""
    folder = copied(from_run, tmp_path / "export")
    text = (folder / "README.md").read_text(encoding="utf-8")
    config = next(
        block
        for block in re.findall(r"```yaml\n(.*?)```", text, flags=re.DOTALL)
        if "stage:" in block
    )
    filled = config.replace("MODEL", str(model)) + "use_cpu: true\nmax_steps: 2\n"
    (folder / "sft.yaml").write_text(filled, encoding="utf-8")
    command = [str(Path(sys.executable).with_name("llamafactory-cli")), "train", "sft.yaml"]
    stubs = str(Path(__file__).parent / "stubs")
    env = os.environ | {"PYTHONPATH": stubs}
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (folder / "out" / "adapter_model.safetensors").exists()
