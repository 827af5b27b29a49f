"""What goes wrong on the way: asked again where that helps, else said in one line."""

import socket
from pathlib import Path

import pytest
from command import refused, run

from hub.made import NAME, environment, given, held, publish, published, release
from hub.server import Fault, LoopbackHub
from hub.tried import COMMIT, PREUPLOAD, PUT, Tried


def test_uploads_are_made_again(hub: LoopbackHub, folder: Path) -> None:
    """What the client itself asks again, it does without harm; nobody sees where it sent what."""
    hub.fail(Fault(PREUPLOAD, "503"), Fault(PUT, "drop"), Fault("POST .*/verify$", "lose"))
    result = publish(hub, folder, "--tag", "v1")
    assert result.code == 0, result
    assert published(hub) == held(folder)
    assert len(hub.store.repos[NAME].commits) == 2
    assert "503" in result.err
    assert "geheim" not in result.err


def test_a_refusal_is_one_line(hub: LoopbackHub, folder: Path) -> None:
    """It ends the command with what was refused and what to do; the same command goes on."""
    hub.fail(Fault(COMMIT, "507"))
    refused(publish(hub, folder), "the commit", "no room left", "the same command goes on")
    assert len(hub.store.repos[NAME].commits) == 1
    before = len(hub.requests)
    assert publish(hub, folder).code == 0
    assert published(hub) == held(folder)
    assert not [one for one in hub.requests[before:] if one.method == "PUT"]


def test_a_silent_hub_is_given_up(hub: LoopbackHub, folder: Path) -> None:
    """After --timeout, also with an answer that was on its way; the same command goes on."""
    hub.fail(Fault("GET .*/revision/main", "hang"))
    result = publish(hub, folder, "--timeout", "0.4")
    refused(result, "does not answer in time", "the same command goes on", code=75)
    hub.fail(Fault(COMMIT, "hang"))
    result = publish(hub, folder, "--timeout", "0.4")
    assert result.code == 0, result
    assert published(hub) == held(folder)
    assert len(hub.store.repos[NAME].commits) == 2


def test_offline_is_offline(hub: LoopbackHub, folder: Path) -> None:
    """Who has forbidden the client to ask anybody is reminded of it."""
    refused(publish(hub, folder, HF_HUB_OFFLINE="1"), "HF_HUB_OFFLINE is set")
    assert not hub.requests


def test_a_hub_that_is_not_there(hub: LoopbackHub, folder: Path) -> None:
    """No server, no such name, no TLS: each is said, at once."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    places = {
        f"http://127.0.0.1:{port}": ("cannot be reached", 75),
        "https://no-such-host.invalid": ("no server is called", 2),
        hub.url.replace("http:", "https:"): ("does not speak TLS", 2),
    }
    for place, (said, code) in places.items():
        refused(run(*given(folder, place), env=environment(folder.parent)), said, place, code=code)


@pytest.mark.parametrize("where", ["data/flan/train.jsonl", "notes.md"])
def test_a_commit_of_others_is_not_overwritten(
    hub: LoopbackHub, folder: Path, tmp_path: Path, tried: Tried, where: str
) -> None:
    """Who commits while we upload is named, and nothing is lost; run again, we publish on top."""
    tried.publish(folder)
    newer = release(tmp_path / "newer", 1)
    hub.fail(
        Fault(COMMIT, "call", action=lambda: hub.store.other_commit(NAME, where, b"x", "My edit"))
    )
    result = refused(publish(hub, newer), "a commit of others", "'My edit'", "run again")
    head = hub.store.repos[NAME].head
    assert head.oid[:12] in result.err
    assert head.content()[where] == b"x"
    tried.publish(newer)
    left = {where: b"x"} if where == "notes.md" else {}
    assert published(hub) == {**held(newer), **left}
