"""Releases to publish, made here, and running the command against a Hub of the tests."""

import hashlib
import random
from collections.abc import Mapping
from pathlib import Path

from command import Result, run

from hub.server import TOKEN, LoopbackHub

NAME = "my-org/my-data"
CARD = "---\nlicense: mit\nconfigs:\n- config_name: flan\n  data_files: data/flan/*.jsonl\n---\n"
HIDDEN = {"HF_HUB_DISABLE_TELEMETRY": "1", "HF_HUB_DISABLE_PROGRESS_BARS": "1"}


def contents(seed: int, *, large: int = 60_000) -> dict[str, bytes]:
    """Return the files of a release: small ones, a large one, an empty one, and names of all kinds.

    The data differs by seed, and so does which shards there are.
    """
    draw = random.Random(seed)
    rows = "".join(f'{{"inputs": "{draw.random()} 写", "targets": "👍🏽"}}\n' for _ in range(20))
    return {
        "README.md": (CARD + f"# Data {seed}\n").encode(),
        "data/flan/train.jsonl": rows.encode(),
        f"data/flan/part-{seed % 2}.jsonl": rows.encode(),
        "data/raw/train.jsonl": draw.randbytes(large // 2).hex().encode(),
        "data/raw/train.jsonl.gz": draw.randbytes(500),
        "data/raw/empty.jsonl": b"",
        "config/recipe #1 ü.toml": f"seed = {seed}\n".encode(),
        "images/lengths.svg": b"<svg/>",
        "dataset_info.json": b"{}\n",
        "croissant.json": b"{}\n",
    }


def with_sums(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Add SHA256SUMS."""
    lines = (f"{hashlib.sha256(data).hexdigest()}  {path}\n" for path, data in files.items())
    return {**files, "SHA256SUMS": "".join(sorted(lines)).encode()}


def write(folder: Path, files: Mapping[str, bytes]) -> Path:
    """Write files into a folder and return it."""
    for path, data in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    return folder


def release(folder: Path, seed: int = 0, *, large: int = 60_000) -> Path:
    """Write a release into a folder that is not there, and return it."""
    return write(folder, with_sums(contents(seed, large=large)))


def held(folder: Path) -> dict[str, bytes]:
    """Return the files of a folder."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def published(hub: LoopbackHub, name: str = NAME) -> dict[str, bytes]:
    """Return what a reader of the branch finds, without what the Hub put there itself."""
    found = hub.store.repos[name].head.content()
    return {path: data for path, data in found.items() if path != ".gitattributes"}


def environment(cache: Path, **more: str) -> dict[str, str]:
    """Return what a command is told by its environment: no xet, no cache of the user's."""
    given = {**HIDDEN, "HF_HOME": str(cache), "HF_HUB_DISABLE_XET": "1", "MY_TOKEN": TOKEN}
    return {**given, "HF_HUB_OFFLINE": "", "NO_PROXY": "*", **more}


def given(folder: Path, endpoint: str, repo: str = NAME) -> list[str]:
    """Return the words that publish a folder, without a token."""
    return ["publish", str(folder), "--repo", repo, "--endpoint", endpoint]


def publish(hub: LoopbackHub, folder: Path, *more: str, **variables: str) -> Result:
    """Run `selfinstruct publish` with a token that may write."""
    token = [] if "--token-env" in more else ["--token-env", "MY_TOKEN"]
    words = [*given(folder, hub.url), *more, *token]
    return run(*words, env=environment(folder.parent / "cache", **variables))


def verify(hub: LoopbackHub, what: str, cache: Path, *more: str) -> Result:
    """Run `selfinstruct verify` with the token."""
    words = ["verify", what, "--endpoint", hub.url, "--token-env", "MY_TOKEN"]
    return run(*words, *more, env=environment(cache))
