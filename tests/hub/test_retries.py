"""Requests that are made again, with waits that are counted instead of waited for."""

from pathlib import Path

import pytest

from hub.made import NAME, held, published
from hub.server import TOKEN, Fault
from hub.store import Blob
from hub.tried import COMMIT, CREATE, PREUPLOAD, PUT, TAG, Tried
from selfinstruct.errors import HubError, HubLostError

STEPS = (CREATE, COMMIT, TAG, "GET .*/revision/main", "GET .*/refs")


@pytest.mark.parametrize("what", ["408", "429:0", "500", "503", "drop", "lose"])
def test_every_step_is_made_again(tried: Tried, folder: Path, what: str) -> None:
    """One refusal or broken connection at each step does no harm: one commit, one tag, complete.

    Also where the Hub had done what it was asked for, and only its answer was lost.
    """
    tried.hub.fail(Fault(STEPS[3], "slow:0"), *(Fault(pattern, what) for pattern in STEPS))
    done = tried.publish(folder, "v1")
    assert (done.made, published(tried.hub)) == (True, held(folder))
    repo = tried.hub.store.repos[NAME]
    assert len(repo.commits) == 2
    assert repo.tags == {"v1": repo.head.oid}
    assert done.commit == repo.head.oid
    assert not any(tried.hub._left.values())
    assert len(tried.watch.said) == len(tried.waits)
    assert len(tried.waits) >= 4


def test_a_hub_that_asks_for_time_is_given_it(tried: Tried, folder: Path) -> None:
    """Retry-After is waited for, and said; where it is very long, that ends the command."""
    tried.hub.fail(Fault(COMMIT, "429:40"))
    tried.publish(folder)
    assert 40 < tried.waits[0] < 42
    assert "asks for fewer requests" in tried.watch.said[0]
    tried.hub.fail(Fault(TAG, "503:3000"))
    with pytest.raises(HubLostError, match=r"the tag v1.*503"):
        tried.publish(folder, "v1")
    assert len(tried.waits) == 1


def test_a_hub_that_is_down_for_long_is_given_up(tried: Tried, folder: Path) -> None:
    """After six requests and half a minute of waiting; nothing is half done."""
    tried.hub.fail(Fault(CREATE, "503", 99))
    with pytest.raises(HubLostError, match="answers 503"):
        tried.publish(folder)
    assert len(tried.hub.lines(CREATE)) == 6
    assert 15 < sum(tried.waits) < 31
    assert tried.hub.store.repos == {}


def test_an_address_that_never_answered_is_asked_once(tried: Tried, folder: Path) -> None:
    """It may be wrong: nobody waits for it."""
    tried.hub.stop()
    with pytest.raises(HubLostError, match="cannot be reached"):
        tried.publish(folder)
    assert tried.waits == []


def test_no_token_is_in_what_a_hub_says(tried: Tried, folder: Path) -> None:
    """A server that repeats the token in its refusals does not get it into errors or notes."""
    tried.hub.fail(Fault(CREATE, "503", 2), Fault(COMMIT, "403"))
    with pytest.raises(HubError, match=r"planned, with Bearer \*\*\*") as caught:
        tried.publish(folder)
    said = "\n".join([*tried.watch.said, str(caught.value), caught.value.hint])
    assert len(tried.watch.said) == 2
    assert TOKEN not in said


def test_the_same_release_by_two_at_once(tried: Tried, folder: Path) -> None:
    """When another has published the very same meanwhile, that is what was wanted."""
    hub = tried.hub

    def other() -> None:
        repo = hub.store.repos[NAME]
        large = "data/raw/train.jsonl"
        blobs = {path: Blob(data, lfs=path == large) for path, data in held(folder).items()}
        repo.add({**repo.head.files, **blobs}, "The other one", "somebody")

    hub.fail(Fault(COMMIT, "call", action=other))
    done = tried.publish(folder, "v1")
    repo = hub.store.repos[NAME]
    assert (repo.head.title, repo.tags["v1"]) == ("The other one", repo.head.oid)
    assert done.commit == repo.head.oid


def test_a_commit_of_others_before_ours_is_made_again(tried: Tried, folder: Path) -> None:
    """Where ours was refused for a while, the branch is looked at before it is asked again."""

    def other() -> None:
        tried.hub.store.other_commit(NAME, "README.md", b"theirs", "My edit")

    tried.hub.fail(
        Fault(COMMIT, "503"),
        Fault("GET .*/revision/main", "slow:0", 2),
        Fault("GET .*/revision/main", "call", action=other),
    )
    with pytest.raises(HubError, match=r"a commit of others by now: .* 'My edit'"):
        tried.publish(folder)
    assert tried.hub.store.repos[NAME].head.content()["README.md"] == b"theirs"
    assert len(tried.hub.lines(COMMIT)) == 1


def test_a_mirror_may_call_itself_otherwise(tried: Tried, folder: Path) -> None:
    """Behind a proxy it answers with addresses of its own; what counts is what it holds."""
    tried.hub.calls_itself = "http://inside.example:8080/hub"
    done = tried.publish(folder, "v1")
    assert published(tried.hub) == held(folder)
    assert tried.hub.store.repos[NAME].tags == {"v1": done.commit}
    assert tried.waits == []


def test_a_tag_of_others_meanwhile_is_not_moved(tried: Tried, folder: Path) -> None:
    """Who gives the tag away while we publish keeps it, and we say so."""

    def other() -> None:
        repo = tried.hub.store.repos[NAME]
        repo.tags["v1"] = next(iter(repo.commits))

    tried.hub.fail(Fault(TAG, "call", action=other))
    with pytest.raises(HubError, match="the tag v1"):
        tried.publish(folder, "v1")
    repo = tried.hub.store.repos[NAME]
    assert repo.tags["v1"] != repo.head.oid
    assert published(tried.hub) == held(folder)


@pytest.mark.parametrize(
    ("pattern", "what", "said"),
    [
        (COMMIT, "401", "knows no such token"),
        (COMMIT, "403", "forbids it"),
        (COMMIT, "404", "has no such thing"),
        (COMMIT, "413", "--shard-size"),
        (COMMIT, "507", "no room left"),
        (COMMIT, "400", "does not take it"),
        (PUT, "507", "no room left"),
        (PUT, "403", "forbids it"),
        (PREUPLOAD, "html", "answers as no Hub does"),
        ("GET .*/revision/main", "html", "answers as no Hub does"),
        ("GET .*/revision/main", "404", "has no such thing"),
        (CREATE, "507", "no room left"),
    ],
)
def test_what_does_not_pass_is_said(
    tried: Tried, folder: Path, pattern: str, what: str, said: str
) -> None:
    """A refusal is not asked again; nothing is on the branch, and what was sent is not lost."""
    hub = tried.hub
    hub.fail(Fault(pattern, what, 9))
    with pytest.raises(HubError) as caught:
        tried.publish(folder)
    assert said in f"{caught.value} {caught.value.hint}"
    assert hub.url in str(caught.value)
    assert caught.value.exit_code == 2
    assert all(len(repo.commits) == 1 for repo in hub.store.repos.values())
    assert tried.waits == []
    hub.fail()
    tried.publish(folder)
    assert published(hub) == held(folder)
