r"""Does an export train a real model? SmolLM2-135M-Instruct with LoRA, on a processor.

    selfinstruct grow --rounds 6 --prompts-per-round 60 --seed 7 --out RUN
    selfinstruct export RUN --format prompt_completion --split test=0.2 --out EXPORT
    python benchmarks/finetune.py train EXPORT
    python benchmarks/finetune.py table

`train` reads an export as its README says, fine-tunes on the rows to train on, and measures the
loss on those held out, before and after each epoch: nats a token, over the tokens of completions
and their ends alone. The export splits by task, so no held-out task was trained on in another
wording. Numbers go to `results/finetune.json`; `table` writes `finetune.md`.
"""

import json
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import click
import datasets
import torch
from measure import machine
from peft import LoraConfig
from transformers import AutoModelForCausalLM, AutoTokenizer, TrainerCallback
from trl import SFTConfig, SFTTrainer

from selfinstruct.engines import small_model

RESULTS = Path(__file__).parent / "results" / "finetune.json"
PACKAGES = ("torch", "transformers", "trl", "peft", "datasets", "gguf")
SETUP = (
    "selfinstruct grow --rounds 6 --prompts-per-round 60 --seed 7 --out RUN",
    "selfinstruct export RUN --format prompt_completion --split test=0.2 --out EXPORT",
)
LONGEST = 384
"""Tokens of a row; what is longer is cut, in training as in measuring."""


def small() -> tuple[Any, Any]:
    """Return the small model, its weights dequantised into float32, and its tokenizer."""
    gguf = small_model.fetch()
    source = {"pretrained_model_name_or_path": str(gguf.parent), "gguf_file": gguf.name}
    read = AutoModelForCausalLM.from_pretrained(**source, dtype=torch.float32)
    config = read.config
    if hasattr(config, "quantization_config"):
        del config.quantization_config  # the file is quantised; what was read is not
    model = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    model.load_state_dict(read.state_dict())
    return model, AutoTokenizer.from_pretrained(**source)


def losses(trainer: Any) -> list[tuple[float, int]]:  # noqa: ANN401
    """Return for each held-out row the sum of its tokens' losses, and how many tokens it has."""
    model, found = trainer.model, []
    model.eval()
    for row in trainer.eval_dataset:
        batch = trainer.data_collator([row])
        labels = batch.pop("labels")[0]
        with torch.no_grad():
            logits = model(**batch).logits[0]
        summed = torch.nn.functional.cross_entropy(
            logits[:-1].float(), labels[1:], ignore_index=-100, reduction="sum"
        )
        found.append((float(summed), int((labels[1:] != -100).sum())))
    model.train()
    return found


def mean(found: list[tuple[float, int]]) -> float:
    """Return the loss of a token."""
    return sum(loss for loss, _ in found) / sum(tokens for _, tokens in found)


def fell(before: list[tuple[float, int]], after: list[tuple[float, int]]) -> int:
    """Return how many rows have a smaller loss than they had."""
    return sum(new[0] < old[0] for old, new in zip(before, after, strict=True))


def trainer_of(folder: Path, seed: int, epochs: int, out: str) -> Any:  # noqa: ANN401
    """Return TRL's trainer on an export: LoRA on every linear layer."""
    model, tokenizer = small()
    splits = datasets.load_dataset(str(folder), "prompt_completion")
    settings = SFTConfig(
        output_dir=out,
        num_train_epochs=epochs,
        per_device_train_batch_size=8,
        learning_rate=2e-4,
        max_length=LONGEST,
        seed=seed,
        use_cpu=True,
        bf16=False,
        gradient_checkpointing=False,  # memory is not what is short here
        train_sampling_strategy="group_by_length",  # less is padded
        report_to="none",
        save_strategy="no",
        logging_strategy="epoch",
    )
    adapter = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
    return SFTTrainer(
        model,
        args=settings,
        train_dataset=splits["train"],
        eval_dataset=splits["test"],
        processing_class=tokenizer,
        peft_config=adapter,
    )


class AfterEpoch(TrainerCallback):  # type: ignore[misc]
    """Measures the held-out rows at the end of each epoch."""

    def __init__(self, trainer: SFTTrainer, measured: list[list[tuple[float, int]]]) -> None:
        self._trainer = trainer
        self._measured = measured

    def on_epoch_end(self, *_: object, **__: object) -> None:
        """Add a measurement."""
        self._measured.append(losses(self._trainer))
        click.echo(f"held out: {mean(self._measured[-1]):.4f} nats a token", err=True)


@click.group()
def main() -> None:
    """Fine-tune the small model on an export, and measure the loss on held-out rows."""


@main.command()
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--name", default="rows of the same model", help="What the results are kept under.")
@click.option("--epochs", default=2, show_default=True)
@click.option("--seed", default=0, show_default=True)
def train(folder: Path, *, name: str, epochs: int, seed: int) -> None:
    """Train on an export, and keep the losses on its held-out rows under a name."""
    with tempfile.TemporaryDirectory() as out:
        found = measured_training(trainer_of(folder, seed, epochs, out))
    results = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    results[name] = found
    RESULTS.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


def measured_training(trainer: SFTTrainer) -> dict[str, Any]:
    """Train, and return what was measured before and after each epoch."""
    measured = [losses(trainer)]

    trainer.add_callback(AfterEpoch(trainer, measured))
    began = time.perf_counter()
    trainer.train()
    words = [word.split("/")[-1] if word.startswith("/") else word for word in sys.argv[1:]]
    return {
        "command": " ".join(["python benchmarks/finetune.py", *words]),
        "machine": machine(),
        "versions": {package: version(package) for package in PACKAGES},
        "model": f"{small_model.MODEL}, dequantised into float32",
        "rows": {"train": len(trainer.train_dataset), "held out": len(trainer.eval_dataset)},
        "tokens held out": sum(tokens for _, tokens in measured[0]),
        "loss held out": [mean(each) for each in measured],
        "rows whose loss fell": fell(measured[0], measured[-1]),
        "loss in training": [row["loss"] for row in trainer.state.log_history if "loss" in row],
        "seconds": time.perf_counter() - began,
    }


_ABOUT = """\
# A real fine-tune on an export, measured

Written by `python benchmarks/finetune.py table` from `results/finetune.json`.

A run that the small model grew was exported as prompts and completions in Flan wordings, split by
task, and the same small model was fine-tuned on the rows to train on: LoRA of rank 16 on every
linear layer, batches of 8, a learning rate of 2e-4, on a processor. Its GGUF file is quantised;
the weights were dequantised into float32 first. The loss is that of the held-out rows, in nats
a token, on the tokens of completions and their ends alone.
"""

_SAYS = """
What it shows: an export is read as it is, its rows train a real model, and what is learnt carries
over to tasks that were held out. What it does not show: that the model gets better, or what of it
is more than the form of these texts. The rows are its own writing, filtered; a smaller loss on more
of it says nothing of how right it is.
"""


@main.command()
def table() -> None:
    """Write finetune.md from the results."""
    found = json.loads(RESULTS.read_text(encoding="utf-8"))
    epochs = max(len(row["loss held out"]) for row in found.values()) - 1
    head = ["trained on", "rows", "held out", "before", *(f"epoch {n + 1}" for n in range(epochs))]
    rows = [[*head, "rows whose loss fell", "minutes"], ["---"] * (len(head) + 2)]
    for name, row in found.items():
        train, held = row["rows"]["train"], row["rows"]["held out"]
        tokens = row["tokens held out"]
        losses_of = [f"{loss:.3f}" for loss in row["loss held out"]]
        part = f"{row['rows whose loss fell']} of {held}"
        minutes = f"{row['seconds'] / 60:.0f}"
        rows.append([name, f"{train}", f"{held} ({tokens:,} tokens)", *losses_of, part, minutes])
    last = list(found.values())[-1]
    where = ", ".join(
        f"{key} {value}" for key, value in (last["machine"] | last["versions"]).items()
    )
    commands = "`; `".join([*SETUP, *(row["command"] for row in found.values())])
    text = "\n".join(f"| {' | '.join(cells)} |" for cells in rows)
    page = f"{_ABOUT}\n{text}\n{_SAYS}\n<sub>`{commands}`; {last['model']}; {where}</sub>\n"
    (RESULTS.parent.parent / "finetune.md").write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
