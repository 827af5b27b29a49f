"""Handing a dataset to LLaMA-Factory as its command does, and reading back what the loss is on.

Decides: the configuration of two steps on a tiny model, and what this trainer's template makes of
a row. Does not know: where the dataset lies.
"""

import json
from pathlib import Path
from typing import Any

from trainers.tiny import END, llama, tokenizer

SPOKEN = f"{END}\n"
"""What its template "default" puts after an answer."""


def saved_model(rows: list[dict[str, Any]], folder: Path) -> Path:
    """Save a tiny model with a tokenizer for some rows in a folder, and return it."""
    words = tokenizer(rows)
    llama(words).save_pretrained(folder)
    words.save_pretrained(folder)
    return folder


def settings(model: Path, data: str, name: str, out: Path, **more: object) -> dict[str, Any]:
    """Return what its configuration file would say: two steps on one dataset.

    `data` is a folder, or REMOTE: and a repository.
    """
    return {
        "model_name_or_path": str(model),
        "stage": "sft",
        "do_train": True,
        "finetuning_type": "full",
        "dataset_dir": data,
        "dataset": name,
        "template": "default",
        "cutoff_len": 512,
        "output_dir": str(out),
        "max_steps": 2,
        "per_device_train_batch_size": 4,
        "learning_rate": 1e-2,
        "use_cpu": True,
        "report_to": "none",
        "save_strategy": "no",
        "disable_tqdm": True,
        **more,
    }


def batch_of(given: dict[str, Any]) -> tuple[list[str], list[str]]:
    """Return, for all rows in one batch, the text without loss and the text with it."""
    from llamafactory.data import (
        SFTDataCollatorWith4DAttentionMask,
        get_dataset,
        get_template_and_fix_tokenizer,
    )
    from llamafactory.hparams import get_train_args
    from llamafactory.model import load_tokenizer

    model_args, data_args, training_args, *_ = get_train_args(given)
    words = load_tokenizer(model_args)["tokenizer"]
    template = get_template_and_fix_tokenizer(words, data_args)
    found = get_dataset(template, model_args, data_args, training_args, "sft", tokenizer=words)
    collator = SFTDataCollatorWith4DAttentionMask(
        template=template, tokenizer=words, label_pad_token_id=-100
    )
    batch = collator(list(found["train_dataset"]))
    rows = list(zip(batch["input_ids"], batch["labels"], batch["attention_mask"], strict=True))
    return (
        [words.decode(ids[(labels == -100) & (mask == 1)]) for ids, labels, mask in rows],
        [words.decode(labels[labels != -100]) for _, labels, _ in rows],
    )


def trained(given: dict[str, Any], model: Path) -> set[str]:
    """Train as its command does; return the names of the weights that changed."""
    from llamafactory.train.tuner import run_exp
    from safetensors.torch import load_file

    out = Path(given["output_dir"])
    run_exp(given)
    result = json.loads((out / "train_results.json").read_text(encoding="utf-8"))
    assert 0 < result["train_loss"] < 20
    state = json.loads((out / "trainer_state.json").read_text(encoding="utf-8"))
    assert state["global_step"] == 2
    before, after = (load_file(folder / "model.safetensors") for folder in (model, out))
    return {name for name, weight in after.items() if not weight.equal(before[name])}


def sides(name: str, row: dict[str, Any]) -> tuple[str, str]:
    """Return what a row asks and what it answers, as this trainer puts them together."""
    if name == "alpaca":
        return "\n".join(filter(None, (row["instruction"], row["input"]))), row["output"]
    if name == "messages":
        return row["messages"][0]["content"], row["messages"][1]["content"]
    ask, answer = ("inputs", "targets") if name == "flan" else ("prompt", "completion")
    return row[ask], row[answer]
