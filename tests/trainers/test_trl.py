"""TRL: two steps of each trainer on each export, and what exactly the loss is computed on."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from command import copied

from trainers.exports import HOSTILE, in_order, lines, mended
from trainers.tiny import END, PIECES, llama, supervised, tokenizer, weights

pytestmark = [
    pytest.mark.trl,
    pytest.mark.filterwarnings("default"),  # what TRL deprecates is not ours to mend
]


def rows_of(folder: Path, name: str) -> Any:  # noqa: ANN401 (has no types)
    """Return the rows of an export, as its README has them read."""
    datasets = pytest.importorskip("datasets", reason="needs make test-trl")
    return datasets.load_dataset(str(folder), name, split="train")


def build(kind: str, rows: Any, out: Path, **more: Any) -> Any:  # noqa: ANN401
    """Return a trainer of a kind: two steps of four rows, on the processor."""
    trl = pytest.importorskip("trl", reason="needs make test-trl")
    words = tokenizer(rows, more.pop("pieces", "blanks lead"))
    reward = kind == "Reward"
    model = llama(words, "LlamaForSequenceClassification", num_labels=1) if reward else llama(words)
    parts = {name: more.pop(name) for name in ("peft_config",) if name in more}
    if kind == "DPO":
        parts["ref_model"] = llama(words)
    given = {"max_length": None, "use_cpu": True, "bf16": False, **more}
    args = getattr(trl, f"{kind}Config")(
        output_dir=str(out),
        max_steps=2,
        per_device_train_batch_size=4,
        learning_rate=1e-2,
        report_to="none",
        save_strategy="no",
        disable_tqdm=True,
        **given,
    )
    return getattr(trl, f"{kind}Trainer")(
        model, args=args, train_dataset=rows, processing_class=words, **parts
    )


def collated(trainer: Any) -> Any:  # noqa: ANN401
    """Return all rows of a trainer in one batch, as its collator makes it."""
    return trainer.data_collator(list(trainer.train_dataset))


def trained(trainer: Any) -> set[str]:  # noqa: ANN401
    """Take the two steps; return the names of the weights that they changed."""
    before = weights(trainer.model)
    result = trainer.train()
    assert result.global_step == 2
    assert 0 < result.training_loss < 20
    return {n for n, weight in weights(trainer.model).items() if not weight.equal(before[n])}


@pytest.mark.parametrize("source", ["from_run", "from_hostile", "in_chinese", "in_parquet"])
@pytest.mark.parametrize("pieces", PIECES)
def test_the_loss_is_on_the_completion(
    pieces: str, source: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """Of a row with prompt and completion, the loss is on the completion and the end, no more.

    No token has a piece of both, whichever way a tokenizer puts blanks, marks and lines together.
    """
    rows = rows_of(request.getfixturevalue(source), "prompt_completion")
    trainer = build("SFT", rows, tmp_path, pieces=pieces)
    found = supervised(collated(trainer), trainer.processing_class)
    assert found == [row["completion"] + END for row in rows]


@pytest.mark.parametrize("source", ["from_run", "from_hostile", "in_parquet"])
def test_the_loss_is_on_what_the_assistant_says(
    source: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """Of messages, the loss is on what the assistant says and the end, where TRL is asked to."""
    rows = rows_of(request.getfixturevalue(source), "messages")
    trainer = build("SFT", rows, tmp_path, assistant_only_loss=True)
    found = supervised(collated(trainer), trainer.processing_class)
    assert found == [row["messages"][-1]["content"] + END for row in rows]


def test_what_is_learnt_is_what_was_given(from_hostile: Path, tmp_path: Path) -> None:
    """From file to loss, an output stays what it was: Chinese, emoji, any line end, 100 kB."""
    outputs = [mended(output) for _, _, output in HOSTILE]
    rows = rows_of(from_hostile, "messages")
    trainer = build("SFT", rows, tmp_path, assistant_only_loss=True)
    found = supervised(collated(trainer), trainer.processing_class)
    assert found == [output + END for output in outputs]
    completions = rows_of(from_hostile, "prompt_completion")
    trainer = build("SFT", completions, tmp_path)
    found = supervised(collated(trainer), trainer.processing_class)
    assert in_order(
        [output + END for output in outputs], [text.removeprefix(" ") for text in found]
    )


def test_flan_rows_need_only_two_names(from_run: Path, tmp_path: Path) -> None:
    """With two columns renamed, TRL reads Flan rows: the loss is on the targets."""
    rows = rows_of(from_run, "flan")
    renamed = rows.rename_columns({"inputs": "prompt", "targets": "completion"})
    trainer = build("SFT", renamed, tmp_path)
    found = supervised(collated(trainer), trainer.processing_class)
    assert found == [row["targets"] + END for row in rows]


@pytest.mark.parametrize("source", ["from_run", "from_hostile"])
@pytest.mark.parametrize("name", ["prompt_completion", "messages"])
def test_two_steps_of_fine_tuning(
    name: str, source: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """Supervised fine-tuning on an export changes every layer."""
    rows = rows_of(request.getfixturevalue(source), name)
    more = {"assistant_only_loss": True} if name == "messages" else {}
    changed = trained(build("SFT", rows, tmp_path, max_length=512, **more))
    assert {f"model.layers.{n}.mlp.up_proj.weight" for n in range(2)} <= changed


def test_two_steps_of_an_adapter(from_run: Path, tmp_path: Path) -> None:
    """With LoRA, the weights of the adapter change, and those of the model do not."""
    peft = pytest.importorskip("peft", reason="needs make test-trl")
    rows = rows_of(from_run, "prompt_completion")
    adapter = peft.LoraConfig(r=4, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM")
    trainer = build("SFT", rows, tmp_path, peft_config=adapter)
    names = set(weights(trainer.model))
    changed = trained(trainer)
    assert changed
    assert changed == {name for name in names if ".lora_" in name}


@pytest.mark.parametrize("pieces", PIECES)
def test_two_steps_of_preference(pieces: str, with_pairs: Path, tmp_path: Path) -> None:
    """DPO learns from chosen and rejected completions, each with its end and without the prompt."""
    rows = rows_of(with_pairs, "preference")
    trainer = build("DPO", rows, tmp_path, pieces=pieces)
    batch, words = collated(trainer), trainer.processing_class
    found = [
        words.decode(ids[mask == 1])
        for ids, mask in zip(batch["input_ids"], batch["completion_mask"], strict=True)
    ]
    expected = [row[side] + END for side in ("chosen", "rejected") for row in rows]
    assert found == expected
    changed = trained(trainer)
    assert "model.layers.0.self_attn.v_proj.weight" in changed


def test_two_steps_of_reward(with_pairs: Path, tmp_path: Path) -> None:
    """A reward model reads the prompt with each of its completions."""
    rows = rows_of(with_pairs, "preference")
    trainer = build("Reward", rows, tmp_path)
    batch, words = collated(trainer), trainer.processing_class
    found = [
        words.decode(ids[mask == 1])
        for ids, mask in zip(batch["input_ids"], batch["attention_mask"], strict=True)
    ]
    sides = ("chosen", "rejected")
    assert found == [row["prompt"] + row[side] + END for side in sides for row in rows]
    assert "score.weight" in trained(trainer)


@pytest.mark.parametrize(
    ("source", "marks"), [("from_run", ("SFTTrainer",)), ("with_pairs", ("DPOTrainer",))]
)
def test_what_the_readme_says_trains(
    source: str, marks: tuple[str, ...], request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """The Python of an export's README runs, once it has a folder, a model and no GPU."""
    pytest.importorskip("trl", reason="needs make test-trl")
    folder = copied(request.getfixturevalue(source), tmp_path / "export")
    rows = [row for path in folder.rglob("*.jsonl") for row in lines(path)]
    words = tokenizer(rows)
    llama(words).save_pretrained(tmp_path / "model")
    words.save_pretrained(tmp_path / "model")
    text = (folder / "README.md").read_text(encoding="utf-8")
    codes = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    assert all(mark in "".join(codes) for mark in marks)
    for code in codes:
        filled = code.replace("FOLDER", str(folder)).replace("MODEL", str(tmp_path / "model"))
        filled = filled.replace('"out"', '"out", use_cpu=True, max_steps=2')
        done = subprocess.run(
            [sys.executable, "-c", filled], cwd=folder, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
    assert list((folder / "out").rglob("model.safetensors"))
