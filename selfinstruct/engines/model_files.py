"""What can be said of a model that lies in a folder or on the Hugging Face Hub.

Decides: the name, revision and licence that rows record. Does not know: how a model is run.

A model on the Hub has a commit. A folder has a digest of its files: of small ones all bytes,
of weights their size, their first and last MiB and 64 blocks between, some of which any training
changes; reading hundreds of gigabytes at every start would cost minutes.
"""

import os
import re
from collections.abc import Iterable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import IO

import msgspec

from selfinstruct.errors import InputError

WHOLE = 64 << 20
"""Bytes up to which a file is read whole for a digest."""

_EDGE = 1 << 20
_BLOCKS = 64
_BLOCK = 64 << 10
_LICENCE = re.compile(r"^license:(?:[ \t]*|\s+-[ \t]*)['\"]?(\w[\w.+-]*)", re.MULTILINE)
_LICENCE_NAME = re.compile(r"^license_name:[ \t]*['\"]?(\w[\w.+-]*)", re.MULTILINE)
_HUB_ID = re.compile(r"[\w.-]+(/[\w.-]+)?")
_SNAPSHOT = re.compile(r"/models--([^/]+)/snapshots/[0-9a-f]{40}$")


class Identity(msgspec.Struct, frozen=True):
    """Name, revision and licence of a model; what is not known is empty."""

    name: str
    revision: str = ""
    licence: str = ""


def is_folder(model: str) -> bool:
    """Say whether a model is given as a folder; raise InputError for a path that is none.

    What looks like neither a path nor a Hub id is refused here, before a library loads.
    """
    path = _path(model)
    if path.is_dir():
        if not (path / "config.json").is_file():
            hint = "give the folder that save_pretrained or `hf download` wrote"
            raise InputError(f"{model} holds no config.json: not a model's folder", hint=hint)
        return True
    hint = "give a folder with config.json and weights, or a model's id on the Hub"
    if path.exists() or model.startswith((".", "/", "~")) or model.count("/") > 1:
        raise InputError(f"no such model folder: {model}", hint=hint)
    if not _HUB_ID.fullmatch(model):
        raise InputError(f"not a model: {model!r}", hint=hint)
    return False


def expanded(model: str) -> str:
    """Return a model as libraries take it: a folder's path with the home folder filled in."""
    return str(_path(model)) if is_folder(model) else model


def identify(model: str, revision: str = "") -> Identity:
    """Return what is known of a model that has been loaded from a folder or the Hub."""
    if is_folder(model):
        folder = _path(model).resolve()
        return Identity(_name(folder), folder_digest(folder), _licence(folder / "README.md"))
    from huggingface_hub import hf_hub_download, try_to_load_from_cache  # noqa: PLC0415 (an extra)

    config = try_to_load_from_cache(model, "config.json", revision=revision or None)
    commit = Path(config).parent.name[:12] if isinstance(config, str) else revision
    try:
        card = Path(hf_hub_download(model, "README.md", revision=revision or None, etag_timeout=5))
    except Exception:  # noqa: BLE001 (offline, gated, no card: the licence stays unknown)
        return Identity(model, commit)
    return Identity(model, commit, _licence(card))


def with_adapter(base: Identity, adapter: str) -> Identity:
    """Return the identity of a model with a LoRA adapter (a folder) on it."""
    folder = adapter_folder(adapter)
    revision = f"{base.revision}+{folder_digest(folder)}"
    return Identity(f"{base.name}+{folder.name}", revision, base.licence)


def adapter_folder(adapter: str) -> Path:
    """Return the folder of a LoRA adapter; raise InputError for what is none."""
    folder = _path(adapter).resolve()
    if not (folder / "adapter_config.json").is_file():
        hint = "give the folder that PEFT's save_pretrained wrote"
        raise InputError(f"{adapter} holds no adapter_config.json: not a LoRA adapter", hint=hint)
    return folder


def folder_digest(folder: Path) -> str:
    """Return 12 hexadecimal digits that depend on a folder's files (hidden ones left out)."""
    found = sha256()
    for path in sorted(_files(folder)):
        size = path.stat().st_size
        found.update(f"{path.relative_to(folder).as_posix()}\0{size}\0".encode())
        with path.open("rb") as data:
            for part in _parts(data, size):
                found.update(part)
    return found.hexdigest()[:12]


def _parts(data: IO[bytes], size: int) -> Iterator[bytes]:
    """Yield what of a file goes into a digest: all of it, or its edges and blocks between."""
    if size <= WHOLE:
        yield data.read()
        return
    yield data.read(_EDGE)
    for number in range(1, _BLOCKS + 1):
        data.seek(size * number // (_BLOCKS + 1))
        yield data.read(_BLOCK)
    data.seek(-_EDGE, os.SEEK_END)
    yield data.read()


def _path(given: str) -> Path:
    """Return a path as it was meant: a home folder that nobody has stays as it is written."""
    return Path(os.path.expanduser(given))  # noqa: PTH111 (Path's own raises for no such home)


def _name(folder: Path) -> str:
    """Return a folder's name; a snapshot in the Hub's cache has its model's, not its commit."""
    snapshot = _SNAPSHOT.search(folder.as_posix())
    return snapshot.group(1).replace("--", "/") if snapshot else folder.name


def _files(folder: Path) -> Iterable[Path]:
    """Yield the files that make a model what it is: a card can change without it."""
    for path in folder.rglob("*"):
        parts = path.relative_to(folder).parts
        if path.is_file() and path.suffix != ".md" and not any(p.startswith(".") for p in parts):
            yield path


def _licence(card: Path) -> str:
    """Return the licence that a model card's head names."""
    try:
        head = card.read_text(encoding="utf-8-sig", errors="replace")
    except OSError:
        return ""
    if not head.startswith("---"):
        return ""
    head = head.partition("\n---")[0]
    found = _LICENCE.search(head)
    licence = found.group(1) if found else ""
    own = _LICENCE_NAME.search(head) if licence == "other" else None
    return own.group(1) if own else licence
