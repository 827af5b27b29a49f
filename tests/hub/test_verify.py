"""`verify`: every byte of a release, in a folder or on a Hub, against its sums."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from command import refused, run

from hub.made import NAME, environment, given, verify, with_sums, write
from hub.server import LoopbackHub
from hub.store import Blob
from hub.tried import Tried
from selfinstruct.errors import InputError
from selfinstruct.publish.files import read_sums


def remove(folder: Path) -> None:
    """Take a file away."""
    (folder / "data/flan/train.jsonl").unlink()


def change(folder: Path) -> None:
    """Change one byte."""
    path = folder / "data/raw/train.jsonl"
    path.write_bytes(b"x" + path.read_bytes()[1:])


def add(folder: Path) -> None:
    """Add a file where only releases have theirs."""
    (folder / "data/more.jsonl").write_bytes(b"")


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (remove, "missing  data/flan/train.jsonl"),
        (change, "changed  data/raw/train.jsonl"),
        (add, "extra    data/more.jsonl"),
    ],
)
def test_a_folder_is_checked(folder: Path, spoil: Callable[[Path], None], said: str) -> None:
    """What is missing, changed or extra is listed, exit code 1; not what git keeps there."""
    write(folder, {".git/config": b"x", ".gitattributes": b"x", "notes.md": b"mine"})
    whole = run("verify", folder)
    assert (whole.code, whole.out) == (0, f"{folder}: 10 files are as SHA256SUMS says\n")
    spoil(folder)
    result = refused(run("verify", folder), "1 files are not as SHA256SUMS says", code=1)
    assert result.out == said + "\n"


def test_a_published_release_is_checked(
    hub: LoopbackHub, folder: Path, tmp_path: Path, tried: Tried
) -> None:
    """By name, by tag and by commit; what differs is listed."""
    tried.publish(folder, "v1")
    repo = hub.store.repos[NAME]
    for what in (NAME, f"{NAME}@{repo.head.oid}"):
        result = verify(hub, what, tmp_path)
        assert result.code == 0, result
        assert f"at {repo.head.oid[:12]}: 10 files are as SHA256SUMS says" in result.out
    files = dict(repo.head.files)
    files["data/raw/train.jsonl"] = files["data/raw/train.jsonl"]._replace(data=b"short")
    files["data/more.jsonl"] = Blob(b"")
    del files["data/flan/train.jsonl"]
    repo.add({**files, "theirs.txt": Blob(b"")}, "Damage", "somebody")
    result = refused(verify(hub, NAME, tmp_path), "3 files", code=1)
    assert result.out.splitlines() == [
        "missing  data/flan/train.jsonl",
        "changed  data/raw/train.jsonl",
        "extra    data/more.jsonl",
    ]
    assert verify(hub, f"{NAME}@v1", tmp_path).code == 0


def test_a_large_object_that_is_not_what_it_says(
    hub: LoopbackHub, folder: Path, tmp_path: Path, tried: Tried
) -> None:
    """Every byte is read: a Hub that lists the right digest and hands out others is found out."""
    tried.publish(folder)
    repo = hub.store.repos[NAME]

    class Liar(Blob):
        """Other bytes under the digest of the right ones."""

        sha256 = repo.head.files["data/raw/train.jsonl"].sha256

    blob = Liar(b"y" * len(repo.head.files["data/raw/train.jsonl"].data), lfs=True)
    repo.add({**repo.head.files, "data/raw/train.jsonl": blob}, "Lie", "somebody")
    result = refused(verify(hub, NAME, tmp_path), "1 files", code=1)
    assert result.out == "changed  data/raw/train.jsonl\n"


def test_what_cannot_be_verified_is_said(
    hub: LoopbackHub, folder: Path, tmp_path: Path, tried: Tried
) -> None:
    """No such repository, revision or folder, and one without sums."""
    refused(verify(hub, "some/thing", tmp_path), "no such repository")
    refused(verify(hub, "some thing", tmp_path), "no folder and no repository")
    tried.publish(folder)
    refused(verify(hub, f"{NAME}@v9", tmp_path), "has no such thing")
    repo = hub.store.repos[NAME]
    repo.add({"README.md": Blob(b"")}, "Emptied", "somebody")
    refused(verify(hub, NAME, tmp_path), "has no SHA256SUMS")
    (tmp_path / "empty").mkdir()
    refused(run("verify", tmp_path / "empty"), "no such file")


@pytest.mark.parametrize(("data", "said"), [(b"\xff\n", "not UTF-8"), (b"", "not a sum")])
def test_sums_that_are_none(data: bytes, said: str) -> None:
    """What is no SHA256SUMS is refused with its name."""
    with pytest.raises(InputError, match=f"S.*{said}"):
        read_sums(data, "S")


def test_without_the_client_it_is_said(folder: Path, tmp_path: Path) -> None:
    """Publishing needs an extra, and says which; a folder is verified without it."""
    hidden = write(tmp_path / "hidden", {"huggingface_hub/__init__.py": b"raise ImportError\n"})
    path = os.pathsep.join([str(hidden), os.environ.get("PYTHONPATH", "")])
    variables = environment(tmp_path, PYTHONPATH=path)
    refused(
        run(*given(folder, "http://127.0.0.1:9"), env=variables),
        "pip install 'selfinstruct[publish]'",
    )
    assert run("verify", folder, env=variables).code == 0


def test_hundreds_of_files_are_one_commit(hub: LoopbackHub, tmp_path: Path, tried: Tried) -> None:
    """They are asked about some at a time, and verified one by one."""
    files = {f"data/raw/part-{number:03}.jsonl": b"%d\n" % number for number in range(300)}
    tried.publish(write(tmp_path / "many", with_sums({"README.md": b"---\n---\n", **files})))
    assert len(hub.store.repos[NAME].commits) == 2
    assert len(hub.lines("POST .*/preupload/")) == 2
    assert verify(hub, NAME, tmp_path, "--quiet").code == 0
