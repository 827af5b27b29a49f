"""What is recorded of a model in a folder: name, digest and licence."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from selfinstruct.engines import model_files
from selfinstruct.engines.model_files import (
    WHOLE,
    Identity,
    folder_digest,
    identify,
    is_folder,
    with_adapter,
)
from selfinstruct.errors import InputError

SIZE = WHOLE + (8 << 20)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a model's folder: config, tokenizer, card, weights too large to be read whole."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    (folder / "config.json").write_text('{"vocab_size": 10}')
    (folder / "tokenizer.json").write_text("{}")
    (folder / "README.md").write_text("---\nlicense: apache-2.0\n---\n# Tiny\n")
    with (folder / "model.safetensors").open("wb") as weights:
        weights.truncate(SIZE)  # a hole: no bytes are written
    return folder


def put(path: Path, offset: int) -> None:
    """Change one byte of a file."""
    with path.open("r+b") as data:
        data.seek(offset)
        data.write(b"x")


def hide(folder: Path) -> None:
    """Put a folder with a file beside a model."""
    folder.mkdir()
    (folder / "x").write_text("x")


CHANGES: dict[str, Callable[[Path], object]] = {
    "first byte of the weights": lambda at: put(at / "model.safetensors", 0),
    "last byte of the weights": lambda at: put(at / "model.safetensors", SIZE - 1),
    "a byte in their middle": lambda at: put(at / "model.safetensors", SIZE * 32 // 65),
    "their size": lambda at: os.truncate(at / "model.safetensors", SIZE + 1),
    "config": lambda at: (at / "config.json").write_text('{"vocab_size": 11}'),
    "tokenizer": lambda at: (at / "tokenizer.json").write_text("[]"),
    "a file's name": lambda at: (at / "tokenizer.json").rename(at / "other.json"),
    "one more file": lambda at: (at / "chat_template.jinja").write_text("{{ messages }}"),
}

NO_CHANGES: dict[str, Callable[[Path], object]] = {
    "the card": lambda at: (at / "README.md").write_text("better"),
    "no card": lambda at: (at / "README.md").unlink(),
    "a hidden file": lambda at: (at / ".gitattributes").write_text("*"),
    "a hidden folder": lambda at: hide(at / ".cache"),
    "an empty folder": lambda at: (at / "empty").mkdir(),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_digest_changes_with_the_model(folder: Path, change: Callable[[Path], object]) -> None:
    """Whatever makes it another model gives it another digest, large files included."""
    before = folder_digest(folder)
    change(folder)
    assert folder_digest(folder) != before


@pytest.mark.parametrize("change", NO_CHANGES.values(), ids=NO_CHANGES)
def test_a_digest_stays_with_the_model(folder: Path, change: Callable[[Path], object]) -> None:
    """What is written about a model, or hidden beside it, leaves its digest."""
    before = folder_digest(folder)
    change(folder)
    assert folder_digest(folder) == before


def test_a_digest_does_not_depend_on_the_place(folder: Path) -> None:
    """A model that is moved or renamed is the same; a digest is 12 hexadecimal digits."""
    before = folder_digest(folder)
    assert len(before) == 12
    assert int(before, 16) >= 0
    assert folder_digest(folder.rename(folder.with_name("moved"))) == before


def test_a_folder_is_identified(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last part of the path is the name, however the path is written."""
    found = identify(str(folder))
    assert found == Identity("tiny", folder_digest(folder), "apache-2.0")
    monkeypatch.chdir(folder)
    assert identify(".") == found
    monkeypatch.setenv("HOME", str(folder.parent))
    assert identify("~/tiny") == found


def test_a_snapshot_of_the_hub_keeps_its_name(tmp_path: Path) -> None:
    """A folder in the Hub's cache is named after the model, not after the commit."""
    snapshot = tmp_path / "models--Some-Org--Some-Model" / "snapshots" / ("0123456789" * 4)
    snapshot.mkdir(parents=True)
    (snapshot / "config.json").write_text("{}")
    assert identify(str(snapshot)).name == "Some-Org/Some-Model"


@pytest.mark.parametrize(
    ("card", "licence"),
    [
        ("---\nlicense: apache-2.0\n---\n", "apache-2.0"),
        ("---\nlanguage: en\nlicense: 'mit'\n---\n", "mit"),
        ("---\r\nlicense: mit\r\n---\r\n", "mit"),
        ("\ufeff---\nlicense: mit\n---\n", "mit"),
        ("---\nlicense:\n- cc-by-4.0\n---\n", "cc-by-4.0"),
        ("---\nlicense: other\nlicense_name: their-own\n---\n", "their-own"),
        ("---\nlicense: other\n---\n", "other"),
        ("---\nlicense:\nlanguage: en\n---\n", ""),
        ("---\nlanguage: en\n---\nlicense: mit\n", ""),
        ("# No head\nlicense: mit\n", ""),
        ("", ""),
    ],
)
def test_a_licence_is_read_from_the_head_of_a_card(folder: Path, card: str, licence: str) -> None:
    """The card's front matter names the licence; its text does not."""
    (folder / "README.md").write_bytes(card.encode())
    assert identify(str(folder)).licence == licence


def test_a_model_without_a_card_has_no_known_licence(folder: Path) -> None:
    """What is not known is empty."""
    (folder / "README.md").unlink()
    assert identify(str(folder)).licence == ""


@pytest.mark.parametrize("model", ["gpt2", "Qwen/Qwen3-0.6B", "org/model.v1_2"])
def test_a_hub_id_is_no_folder(model: str) -> None:
    """A name with one slash at most is looked for on the Hub."""
    assert not is_folder(model)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("./none", "no such model folder: ./none"),
        ("/none/at/all", "no such model folder: /none/at/all"),
        ("~/none", "no such model folder: ~/none"),
        ("~nobody-of-this-name/none", "no such model folder: ~nobody-of-this-name/none"),
        ("a/b/c", "no such model folder: a/b/c"),
        ("a model", "not a model: 'a model'"),
        ("org/", "not a model: 'org/'"),
    ],
)
def test_a_path_to_nothing_is_refused(model: str, message: str) -> None:
    """What is neither a folder nor could be a Hub id is an error that quotes it, with a hint."""
    with pytest.raises(InputError) as caught:
        is_folder(model)
    assert str(caught.value) == message
    assert "config.json" in caught.value.hint


def test_a_folder_or_file_that_is_no_model_is_refused(tmp_path: Path) -> None:
    """A folder without config.json and a file are told from a model's folder."""
    with pytest.raises(InputError, match=r"no config\.json"):
        is_folder(str(tmp_path))
    file = tmp_path / "model.gguf"
    file.write_bytes(b"GGUF")
    with pytest.raises(InputError, match="no such model folder"):
        is_folder(str(file))


def test_an_adapter_makes_another_model(tmp_path: Path) -> None:
    """Name and revision tell the model and the adapter; the licence is the model's."""
    adapter = tmp_path / "poet"
    adapter.mkdir()
    with pytest.raises(InputError, match=r"no adapter_config\.json") as caught:
        with_adapter(Identity("tiny", "abc", "mit"), str(adapter))
    assert "PEFT" in caught.value.hint
    (adapter / "adapter_config.json").write_text("{}")
    found = with_adapter(Identity("tiny", "abc", "mit"), str(adapter))
    assert found == Identity("tiny+poet", f"abc+{model_files.folder_digest(adapter)}", "mit")
