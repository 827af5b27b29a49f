"""A release on a Hub: byte for byte, in one commit, and once; nothing of others is touched."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from command import refused, run

from hub.made import (
    NAME,
    contents,
    environment,
    given,
    held,
    publish,
    published,
    release,
    with_sums,
    write,
)
from hub.server import READER, TOKEN, Fault, LoopbackHub
from hub.store import Blob
from hub.tried import Tried
from selfinstruct.errors import HubError, InputError
from selfinstruct.publish.files import read_sums
from selfinstruct.publish.target import check_repo, check_tag

LARGE = {"data/raw/train.jsonl", "data/raw/train.jsonl.gz"}


@pytest.mark.parametrize("prefix", ["", "/artifactory/api/huggingfaceml/team"])
def test_what_is_published_is_the_folder(folder: Path, prefix: str) -> None:
    """Every file is there byte for byte, large ones beside git, in one commit with its tag.

    Also where the Hub has a path, and lists its files in pages.
    """
    pytest.importorskip("huggingface_hub", reason="needs the extra 'publish'")
    hub = LoopbackHub(prefix)
    hub.page = 4
    try:
        result = publish(hub, folder, "--tag", "v1", "--message", "Erste Fassung ü")
        assert result.code == 0, result
        again = publish(hub, folder)
    finally:
        hub.stop()
    assert published(hub) == held(folder)
    repo = hub.store.repos[NAME]
    assert len(repo.commits) == 2
    assert repo.head.title == "Erste Fassung ü"
    assert repo.tags == {"v1": repo.head.oid}
    assert {path for path, blob in repo.head.files.items() if blob.lfs} == LARGE
    assert result.out == f"{hub.url}/datasets/{NAME}/tree/v1\n"
    assert again.code == 0, again
    assert not hub.lines("outside")
    assert all("Authorization".lower() in one.headers for one in hub.requests if "api" in one.path)


def test_the_same_bytes_make_no_commit(hub: LoopbackHub, folder: Path) -> None:
    """Published again, a release changes nothing and uploads nothing; its tag stays."""
    assert publish(hub, folder, "--tag", "v1").code == 0
    before = len(hub.requests)
    again = publish(hub, folder, "--tag", "v1")
    assert again.code == 0, again
    assert "nothing to do" in again.err
    assert len(hub.store.repos[NAME].commits) == 2
    assert {one.method for one in hub.requests[before:]} == {"GET"}


def test_a_new_release_takes_the_place_of_the_old_one(
    hub: LoopbackHub, folder: Path, tmp_path: Path, tried: Tried
) -> None:
    """Files of the old release go, also large ones; what others put beside it stays."""
    tried.publish(folder, "v1")
    hub.store.other_commit(NAME, "notes/of-mine.md", b"mine", "Notes")
    hub.store.other_commit(NAME, "database/rows.csv", b"theirs", "Rows")
    newer = release(tmp_path / "newer", 1)
    result = publish(hub, newer, "--tag", "v2.0")
    assert result.code == 0, result
    others = {"notes/of-mine.md": b"mine", "database/rows.csv": b"theirs"}
    assert published(hub) == {**held(newer), **others}
    repo = hub.store.repos[NAME]
    assert "data/flan/part-0.jsonl" not in repo.head.files
    assert set(repo.tags) == {"v1", "v2.0"}
    assert "1 added, 6 changed, 1 deleted, 4 the same" in result.err


def test_a_dry_run_touches_nothing(
    hub: LoopbackHub, folder: Path, tmp_path: Path, tried: Tried
) -> None:
    """It lists what would come, change and go, with sizes, and only reads."""
    result = publish(hub, folder, "--dry-run", "--private", "--tag", "v1")
    assert result.code == 0, result
    assert hub.store.repos == {}
    size = len(held(folder)["data/raw/train.jsonl"])
    lines = result.out.splitlines()
    assert lines[0] == f"{hub.url}/datasets/{NAME} is not there: it would be made, private"
    assert f"add    {size:>15,}  data/raw/train.jsonl" in lines
    tried.publish(folder)
    newer = release(tmp_path / "newer", 1)
    before = len(hub.requests)
    result = publish(hub, newer, "--dry-run")
    kinds = [line.split()[0] for line in result.out.splitlines()]
    assert (kinds.count("add"), kinds.count("change"), kinds.count("delete")) == (1, 6, 1)
    assert "data/flan/part-0.jsonl" in next(x for x in result.out.splitlines() if "delete" in x)
    assert {one.method for one in hub.requests} - {"POST", "PUT"} == {"GET"}
    assert {one.method for one in hub.requests[before:]} == {"GET"}
    assert len(hub.store.repos[NAME].commits) == 2


def test_a_private_repository_is_private(hub: LoopbackHub, folder: Path) -> None:
    """It is made so; and where it is public already, nothing is published as if it were not."""
    assert publish(hub, folder, "--private").code == 0
    assert hub.store.repos[NAME].private
    hub.store.repos[NAME].private = False
    refused(publish(hub, folder, "--private"), "is public")
    assert publish(hub, folder).code == 0


def test_a_tag_is_never_moved(hub: LoopbackHub, folder: Path, tmp_path: Path, tried: Tried) -> None:
    """A tag that stands on another commit is an error, before anything is uploaded."""
    tried.publish(folder, "v1")
    newer = release(tmp_path / "newer", 1)
    before = len(hub.requests)
    refused(publish(hub, newer, "--tag", "v1"), "the tag v1", "another commit")
    assert {one.method for one in hub.requests[before:]} == {"GET"}
    assert published(hub) == held(folder)
    tried.publish(folder, "v1-again")
    assert len(set(hub.store.repos[NAME].tags.values())) == 1


def test_a_damaged_release_is_not_published(hub: LoopbackHub, folder: Path) -> None:
    """What is not as its sums say stays here; no request is made."""
    (folder / "data/flan/train.jsonl").write_bytes(b"other\n")
    refused(publish(hub, folder), "1 files are not as SHA256SUMS says", "data/flan/train.jsonl")
    (folder / "SHA256SUMS").unlink()
    refused(publish(hub, folder), "neither a run (run.toml) nor a release (SHA256SUMS)")
    assert not hub.requests


@pytest.mark.parametrize(
    "path",
    ["../secret", "/etc/hosts", "data//x", ".git/config", "a\\b", "data/\u202ex", " ", "a\rb"],
)
def test_a_sum_cannot_lead_out_of_the_release(path: str) -> None:
    """Paths that climb, or have no place in a repository, are refused with their line."""
    good = f"{'0' * 64}  data/x y\n"
    assert read_sums(good.encode(), "S") == {"data/x y": "0" * 64}
    with pytest.raises(InputError, match="S:2: not a sum"):
        read_sums(f"{good}{'0' * 64}  {path}\n".encode(), "S")


@pytest.mark.parametrize("repo", ["data", "a/b/c", "a/b--c", "a/b.git", "-a/b", "a/b c", "a/ü", ""])
def test_a_repository_has_a_name_that_hubs_take(repo: str) -> None:
    """ORG/NAME, and what that may hold."""
    assert check_repo("My-org_1/data.v2_x") == "My-org_1/data.v2_x"
    with pytest.raises(InputError, match="no repository"):
        check_repo(repo)


@pytest.mark.parametrize("tag", ["a b", "main", "v1..2", "v1.lock", "-v", "abcdef0", "v1~1", "a/"])
def test_a_tag_is_one_that_git_takes(tag: str) -> None:
    """No spaces, no branch, nothing that git reads as a commit."""
    assert check_tag("release/v1.0-rc.1") == "release/v1.0-rc.1"
    with pytest.raises(InputError, match="no tag"):
        check_tag(tag)


def test_what_is_misspelt_is_asked_of_nobody(hub: LoopbackHub, folder: Path) -> None:
    """Names and addresses are looked at before anything is sent."""
    refused(run(*given(folder, hub.url, "data"), env=environment(folder.parent)), "no repository")
    refused(publish(hub, folder, "--tag=main"), "no tag")
    refused(run(*given(folder, "http://a.example"), env=environment(folder.parent)), "in the clear")
    assert not hub.requests


def test_who_may_not_write_is_told_so(hub: LoopbackHub, folder: Path) -> None:
    """Without a token, with a wrong one, and with one that may only read."""
    words = given(folder, hub.url)
    cache = folder.parent / "cache"
    refused(run(*words, env=environment(cache)), "wants a token", "--token-env")
    for token, said in (("hf_someoneElses", "knows no such token"), (READER, "forbids it")):
        result = run(*words, "--token-env", "T", env=environment(cache, T=token))
        refused(result, said, "--token-env")
        assert token not in result.err
    assert hub.store.repos == {}


def test_what_a_server_changes_is_noticed(tried: Tried, folder: Path) -> None:
    """A repository that does not hold what was committed is an error, with the path."""
    hub = tried.hub

    def spoil() -> None:
        with hub.store.lock:
            repo = hub.store.repos[NAME]
            repo.commits[repo.head.oid] = repo.head._replace(
                files={**repo.head.files, "data/flan/train.jsonl": Blob(b"spoilt")}
            )

    head = "GET .*/revision/main"
    hub.fail(Fault(head, "slow:0", 2), Fault(head, "call", action=spoil))
    with pytest.raises(HubError, match=r"holds data/flan/train\.jsonl otherwise"):
        tried.publish(folder)


def test_what_was_published_can_be_fetched_with_hf(
    hub: LoopbackHub, folder: Path, tmp_path: Path
) -> None:
    """`hf download` gets the tagged release, byte for byte; `hf upload` of it changes nothing."""
    assert publish(hub, folder, "--tag", "v1").code == 0
    variables = environment(tmp_path / "hf", HF_ENDPOINT=hub.url, HF_TOKEN=TOKEN)
    hf = [sys.executable, "-m", "huggingface_hub.cli.hf"]
    down = ["download", NAME, "--repo-type", "dataset", "--revision", "v1"]
    fetched = tmp_path / "fetched"
    words = [*hf, *down, "--local-dir", str(fetched)]
    done = subprocess.run(
        words, env={**os.environ, **variables}, capture_output=True, timeout=60, check=False
    )
    assert done.returncode == 0, done
    got = {path: data for path, data in held(fetched).items() if not path.startswith(".")}
    assert got == held(folder)
    words = [*hf, "upload", NAME, str(folder), "--repo-type", "dataset"]
    done = subprocess.run(
        words, env={**os.environ, **variables}, capture_output=True, timeout=60, check=False
    )
    assert done.returncode == 0, done
    assert len(hub.store.repos[NAME].commits) == 2


def test_xet_is_for_servers_that_speak_it(hub: LoopbackHub, folder: Path, tmp_path: Path) -> None:
    """Large files go by xet where the server says so, and the client of this machine can."""
    pytest.importorskip("hf_xet", reason="no xet on this machine")
    hub.xet = f"local://{tmp_path / 'xet'}"
    large = [(folder / name).read_bytes() for name in LARGE]
    hub.store.objects = {Blob(data).sha256: data for data in large}  # what it will be asked for
    result = publish(hub, folder, HF_HUB_DISABLE_XET="")
    assert result.code == 0, result
    assert not hub.lines("objects/batch")
    stored = sum(path.stat().st_size for path in (tmp_path / "xet").rglob("*") if path.is_file())
    assert stored > sum(map(len, large)) / 4
    assert published(hub) == held(folder)


def test_a_mirror_without_xet_gets_lfs(hub: LoopbackHub, folder: Path) -> None:
    """Also from a client that would send everything by xet."""
    result = publish(hub, folder, HF_HUB_DISABLE_XET="")
    assert result.code == 0, result
    assert hub.lines("POST .*objects/batch")
    assert published(hub) == held(folder)


def test_a_card_that_is_refused_is_mended_here(hub: LoopbackHub, tmp_path: Path) -> None:
    """The Hub's words about the card are passed on, and no commit is made."""
    files = contents(0)
    files["README.md"] = b"no YAML\n"
    result = publish(hub, write(tmp_path / "bad", with_sums(files)))
    refused(result, "refuses the card", "license")
    assert len(hub.store.repos[NAME].commits) == 1
    assert hub.store.objects == {}
