"""What lies beside an export: how to read it and how to train on it.

Decides: what README.md, dataset_info.json (LLaMA-Factory's) and manifest.json of an export folder
say. They follow from what is in the folder, and name files relative to it. Does not know: rows.
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import jinja2
import msgspec

from selfinstruct.errors import InputError
from selfinstruct.export.files import Written
from selfinstruct.resources import export_readme
from selfinstruct.storage import replace_file

_HINT = "delete it, and export again"

COLUMNS: dict[str, dict[str, Any]] = {
    "flan": {"columns": {"prompt": "inputs", "response": "targets"}},
    "alpaca": {"columns": {"prompt": "instruction", "query": "input", "response": "output"}},
    "messages": {
        "formatting": "sharegpt",
        "columns": {"messages": "messages"},
        "tags": {
            "role_tag": "role",
            "content_tag": "content",
            "user_tag": "user",
            "assistant_tag": "assistant",
            "system_tag": "system",
        },
    },
    "prompt_completion": {"columns": {"prompt": "prompt", "response": "completion"}},
    "preference": {
        "ranking": True,
        "columns": {"prompt": "prompt", "chosen": "chosen", "rejected": "rejected"},
    },
}
"""How LLaMA-Factory is to read each format; it has no use for raw rows."""


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an export folder has of one format."""

    form: str
    splits: dict[str, Written]
    drawn: dict[str, int]
    templates: int


def write_companions(folder: Path, name: str, entry: Manifest) -> None:
    """Add a format to what describes a folder; formats whose files are gone are dropped."""
    found = {**read_manifest(folder), name: entry}
    there = {one: found[one] for one in sorted(found) if (folder / one).is_dir()}
    data = msgspec.json.format(msgspec.json.encode(there), indent=1)
    replace_file(folder / "manifest.json", data + b"\n")
    info = msgspec.json.encode(dict(dataset_info(there)))
    replace_file(folder / "dataset_info.json", msgspec.json.format(info, indent=1) + b"\n")
    replace_file(folder / "README.md", readme(there).encode())


def read_manifest(folder: Path) -> dict[str, Manifest]:
    """Return what a folder has, by format; nothing where there is no manifest."""
    path = folder / "manifest.json"
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, Manifest])
    except FileNotFoundError:
        return {}
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not what an export writes: {error}", hint=_HINT) from error


def dataset_info(
    there: Mapping[str, Manifest], above: str = ""
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield LLaMA-Factory's entry for each file that it can read; `above` is a folder, "data/"."""
    for name, entry in there.items():
        if name not in COLUMNS or entry.form not in ("jsonl", "parquet"):
            continue
        for split, written in entry.splits.items():
            base = _label(name, split)
            for number, file in enumerate(written.files):
                label = base if len(written.files) == 1 else f"{base}_{number}"
                yield label, {"file_name": f"{above}{name}/{file}", **COLUMNS[name]}


def hub_dataset_info(
    splits: Mapping[str, Iterable[str]], repo: str
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield LLaMA-Factory's entry for each split of each format in a repository on the Hub."""
    for name, those in splits.items():
        for split in those if name in COLUMNS else ():
            entry = {"hf_hub_url": repo, "subset": name, "split": split, **COLUMNS[name]}
            yield _label(name, split), entry


def readme(there: Mapping[str, Manifest]) -> str:
    """Return the README of a folder: what it has, and how to load it and train on it."""
    # All configs of a dataset must have one file format; the builder is chosen by the first.
    first = "flan" if "flan" in there else next(iter(there))
    packing = {"jsonl", "jsonl.gz", "jsonl.zst"}
    same = packing if there[first].form in packing else {there[first].form}
    configs = [first, *(n for n in there if n != first and there[n].form in same)]
    labels: dict[str, list[str]] = {}
    for label, info in dataset_info(there):
        if "_validation" not in label and "_test" not in label:
            labels.setdefault(str(info["file_name"]).partition("/")[0], []).append(label)
    environment = jinja2.Environment(  # noqa: S701 (Markdown, filled with names of ours)
        undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    template = environment.from_string(export_readme().read_text(encoding="utf-8"))
    return template.render(formats=there, configs=configs, labels=labels) + "\n"


def _label(name: str, split: str) -> str:
    """Return what a split of a format is called in dataset_info.json."""
    return f"selfinstruct_{name}" + ("" if split == "train" else f"_{split}")
