"""Publishing a run: its release is made, uploaded, and gone again; or written to a folder."""

import json
from pathlib import Path

import pytest
from command import files, grow_words, grown, refused, run

from hub.made import NAME, environment, held, publish, published, verify
from hub.server import TOKEN, LoopbackHub


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a small run of the scripted engine."""
    return grown(tmp_path_factory.mktemp("grown"))


def test_a_run_is_published_as_to_writes_it(
    hub: LoopbackHub, run_folder: Path, tmp_path: Path
) -> None:
    """What is on the Hub is what --to writes, it verifies, and publishing again changes nothing.

    The run itself stays as it was, and nothing is left in the folder for temporary files.
    """
    before = files(run_folder)
    (tmp_path / "temporary").mkdir()
    temporary = {"TMPDIR": str(tmp_path / "temporary")}
    result = publish(hub, run_folder, "--tag", "v1", **temporary)
    assert result.code == 0, result
    written = run("publish", run_folder, "--repo", NAME, "--tag", "v1", "--to", tmp_path / "copy")
    assert written.code == 0, written
    assert published(hub) == held(tmp_path / "copy")
    assert verify(hub, f"{NAME}@v1", tmp_path).code == 0
    for source in (run_folder, tmp_path / "copy"):
        again = publish(hub, source, "--tag", "v1", **temporary)
        assert again.code == 0, again
        assert "nothing to do" in again.err
    assert len(hub.store.repos[NAME].commits) == 2
    assert files(run_folder) == before
    assert list((tmp_path / "temporary").iterdir()) == []


def test_options_that_do_not_go_together_are_said(
    hub: LoopbackHub, run_folder: Path, folder: Path, tmp_path: Path
) -> None:
    """Those of a run on a release, those of an upload with --to, and what is neither."""
    refused(publish(hub, folder, "--shard-size", "1MB"), "is a release", "for a run")
    refused(run("publish", run_folder, "--to", tmp_path / "x", "--private"), "--private and --to")
    refused(run("publish", folder, "--to", tmp_path / "x"), "is a release already")
    refused(run("publish", run_folder, env=environment(tmp_path)), "no repository: ''")
    refused(publish(hub, tmp_path / "nothing"), "neither a run")
    assert not (tmp_path / "x").exists()
    assert not hub.requests


def test_a_run_can_end_with_its_release(hub: LoopbackHub, tmp_path: Path) -> None:
    """`grow --publish` publishes what `publish` would, says where, and again changes nothing."""
    words = grow_words(tmp_path, "--publish", NAME, "--publish-tag", "v1", "--endpoint", hub.url)
    words += ["--token-env", "MY_TOKEN"]
    result = run(*words, env=environment(tmp_path / "cache"))
    assert result.code == 0, result
    assert f"published {hub.url}/datasets/{NAME}/tree/v1\n" in result.out
    commits = len(hub.store.repos[NAME].commits)
    run("publish", tmp_path / "run", "--repo", NAME, "--tag", "v1", "--to", tmp_path / "copy")
    assert published(hub) == held(tmp_path / "copy")
    again = run(*words, "--log-json", env=environment(tmp_path / "cache"))
    assert again.code == 0, again
    event = json.loads(again.out.splitlines()[-1])
    assert event == {"event": "published", "address": f"{hub.url}/datasets/{NAME}/tree/v1"}
    assert len(hub.store.repos[NAME].commits) == commits
    assert TOKEN not in result.out + result.err + again.out + again.err


@pytest.mark.parametrize(
    ("more", "part"),
    [
        (["--publish", "no-slash"], "no repository"),
        (["--publish", NAME, "--publish-tag", "main"], "no tag"),
        (["--publish", NAME, "--token-env", "UNSET"], "UNSET (--token-env) is not set"),
        (["--publish", NAME, "--endpoint", "http://hub.example.org"], "in the clear"),
        (["--publish-tag", "v1"], "are for --publish"),
    ],
)
def test_what_could_not_be_published_is_not_grown(
    more: list[str], part: str, tmp_path: Path
) -> None:
    """A name, tag, address or token that cannot be is said before the first round."""
    refused(run(*grow_words(tmp_path, *more), env=environment(tmp_path / "cache")), part)
    assert not (tmp_path / "run").exists()
