"""What lies beside an export is true of its files."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from export.made import labelled, row
from selfinstruct.errors import InputError
from selfinstruct.export import Ways, export_folder
from selfinstruct.export.files import FolderFiles
from selfinstruct.export.mixture import load_mixture
from selfinstruct.export.split import parse_split

WAYS = Ways(load_mixture())
ROWS = [labelled(n // 4, n % 4) for n in range(80)] + [row("Name a river.", ("", "The long Po."))]
ALL = ("flan", "alpaca", "messages", "prompt_completion", "raw")


def exported(
    folder: Path, *names: str, form: str = "jsonl", split: str = "", size: int = 10**7
) -> str:
    """Export rows in some formats; return the README."""
    for name in names:
        export_folder(ROWS, name, FolderFiles(folder, form, size), WAYS, parse_split(split))
    return (folder / "README.md").read_text(encoding="utf-8")


def test_the_readme_is_as_it_was(tmp_path: Path, golden: Callable[[str, str], None]) -> None:
    """The README that lies beside an export, as a person reads it."""
    golden("export-readme.md", exported(tmp_path, *ALL, split="validation=0.1,test=0.1"))


def test_every_file_that_is_named_is_there(tmp_path: Path) -> None:
    """README.md, dataset_info.json and manifest.json name files of the folder, and each of them."""
    readme = exported(tmp_path, *ALL, split="test=0.2", size=4000)
    info = json.loads((tmp_path / "dataset_info.json").read_bytes())
    manifest = json.loads((tmp_path / "manifest.json").read_bytes())
    files = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.jsonl")}
    listed = {
        f"{name}/{file}"
        for name, entry in manifest.items()
        for written in entry["splits"].values()
        for file in written["files"]
    }
    assert listed == files
    assert {entry["file_name"] for entry in info.values()} == {
        name for name in files if not name.startswith("raw/")
    }
    for pattern in re.findall(r"^    path: (\S+)", readme, re.MULTILINE):
        assert list(tmp_path.glob(pattern)), pattern
    for name in re.findall(r"\b(?:flan|alpaca|messages)/[\w.-]+", readme):
        assert name.endswith("-") or name in files, name
    train = {name for name in files if "/train" in name and name.startswith("messages")}
    assert len(train) > 1
    assert train <= set(re.findall(r"messages/[\w.-]+", readme))


def test_a_readme_tells_of_all_formats_that_are_there(tmp_path: Path) -> None:
    """A format that is exported later is added; one whose folder is gone is dropped."""
    exported(tmp_path, "alpaca")
    assert "config_name: alpaca" in exported(tmp_path, "flan")
    (tmp_path / "alpaca" / "train.jsonl").unlink()
    (tmp_path / "alpaca").rmdir()
    readme = exported(tmp_path, "messages")
    assert "alpaca" not in readme
    assert readme.count("default: true") == 1


def test_forms_that_do_not_mix_are_not_in_one_dataset(tmp_path: Path) -> None:
    """A dataset has one kind of file: the other formats are told of, and are no configurations."""
    exported(tmp_path, "alpaca", form="parquet")
    readme = exported(tmp_path, "flan")
    assert re.findall(r"config_name: (\w+)", readme) == ["flan"]
    assert "alpaca" in readme


def test_a_manifest_of_somebody_else_is_an_error(tmp_path: Path) -> None:
    """A manifest.json that no export wrote is named, with what to do."""
    (tmp_path / "manifest.json").write_text("[]", encoding="utf-8")
    with pytest.raises(InputError, match=r"manifest\.json: not what an export writes"):
        exported(tmp_path, "alpaca")
