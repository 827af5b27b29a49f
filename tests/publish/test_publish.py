"""A release on a Hub: byte for byte, in one commit, and once."""

from pathlib import Path

from publish.hub import LoopbackHub
from publish.made import held, publish, published, release


def test_what_is_published_is_the_folder(hub: LoopbackHub, folder: Path) -> None:
    """Every file is there byte for byte, large ones beside git, in one commit with its tag."""
    result = publish(hub, folder, "--tag", "v1")
    assert result.code == 0, result
    assert published(hub) == held(folder)
    repo = hub.store.repos["my-org/my-data"]
    assert len(repo.commits) == 2
    assert repo.tags == {"v1": repo.head.oid}
    assert {path for path, blob in repo.head.files.items() if blob.lfs} == {
        "data/raw/train.jsonl",
        "data/raw/train.jsonl.gz",
    }
    assert result.out == f"{hub.url}/datasets/my-org/my-data/tree/v1\n"
