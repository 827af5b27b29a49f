"""An upload that is ended: the branch holds the old release or the new one, and it goes on."""

import os
import random
import signal
import subprocess
import threading
import time
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pytest
from command import environment as inherited
from command import words

from hub.made import NAME, environment, given, held, published, release
from hub.server import Fault, LoopbackHub, wait_for
from hub.tried import COMMIT, PUT, Tried


class Running(NamedTuple):
    """A command under way."""

    process: "subprocess.Popen[bytes]"

    def end(self) -> tuple[int, str]:
        """Wait for its end; return its code, and what it said."""
        _, said = self.process.communicate(timeout=30)
        return self.process.returncode, said.decode()


def started(hub: LoopbackHub, folder: Path, *more: str) -> Running:
    """Start to publish a folder."""
    process = subprocess.Popen(
        words(*given(folder, hub.url), "--token-env", "MY_TOKEN", *more),
        env=inherited(environment(folder.parent / "cache")),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    return Running(process)


def is_whole(hub: LoopbackHub, releases: list[dict[str, bytes]]) -> bool:
    """Say whether every commit of the branch is empty or one of these releases."""
    repo = hub.store.repos.get(NAME)
    found = [
        {path: data for path, data in commit.content().items() if path != ".gitattributes"}
        for commit in (repo.history() if repo else [])
    ]
    return all(files in [{}, *releases] for files in found)


def test_killed_at_twenty_moments_it_is_whole_at_each(
    hub: LoopbackHub, tmp_path: Path, tried: Tried
) -> None:
    """SIGKILL before or after the Hub has done any of its steps, or a little later.

    At no moment is half a release on the branch, and the same command, given again, completes it.
    """
    draw = random.Random(7)
    first = release(tmp_path / "0", 0)
    releases = [held(first)]
    steps = len(counted(tried, first))
    for number in range(1, 21):
        folder = release(tmp_path / str(number), number)
        releases.append(held(folder))
        running = started(hub, folder, "--tag", f"v{number}")
        # One request of this run, before or after its work is done; the kill may be late.
        moment = draw.randrange(steps)
        late = draw.choice([0.0, 0.0, draw.uniform(0, 0.05)])
        place = len(hub.requests)
        wait_for(partial(has_come, hub, place + moment, running))
        time.sleep(late)
        running.process.kill()
        code, _ = running.end()
        assert code in (-signal.SIGKILL, 0)
        assert is_whole(hub, releases), number
        done = tried.publish(folder, f"v{number}")
        assert published(hub) == releases[-1], number
        assert hub.store.repos[NAME].tags[f"v{number}"] == done.commit
        assert is_whole(hub, releases)
    assert len(hub.store.repos[NAME].history()) == 22


def has_come(hub: LoopbackHub, count: int, running: Running) -> bool:
    """Say whether a Hub has had more requests than so many, or no more will come."""
    return len(hub.requests) > count or running.process.poll() is not None


def counted(tried: Tried, folder: Path) -> list[str]:
    """Publish a folder, and return the requests that it takes."""
    before = len(tried.hub.requests)
    tried.publish(folder)
    return [one.line for one in tried.hub.requests[before:]]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_it_soon_and_says_how_to_go_on(
    hub: LoopbackHub, folder: Path, tried: Tried, number: signal.Signals, code: int
) -> None:
    """Also while several files are on their way to a Hub that keeps silent."""
    hub.fail(Fault(PUT, "hang", 20))
    running = started(hub, folder, "--timeout", "1")
    wait_for(lambda: len(hub.lines(PUT)) == 2)
    began = time.monotonic()
    os.kill(running.process.pid, number)
    ended, said = running.end()
    assert ended == code, said
    assert time.monotonic() - began < 10  # the Hub: 20
    assert "stopped; the branch has" in said
    assert said.strip().splitlines()[-1].startswith("resume: selfinstruct publish ")
    assert "Traceback" not in said
    assert len(hub.store.repos[NAME].commits) == 1
    hub.fail()
    tried.publish(folder)
    assert published(hub) == held(folder)


def test_two_at_once_make_two_whole_releases_or_one(
    hub: LoopbackHub, folder: Path, tmp_path: Path
) -> None:
    """Of two that publish other things at the same time one is first; the other says so."""
    newer = release(tmp_path / "newer", 1)
    both = threading.Barrier(2, timeout=20)
    hub.fail(Fault(COMMIT, "call", 2, both.wait))
    runs = [started(hub, folder), started(hub, newer)]
    codes = sorted(running.end()[0] for running in runs)
    assert codes == [0, 2]
    assert published(hub) in (held(folder), held(newer))
    assert is_whole(hub, [held(folder), held(newer)])
    assert len(hub.store.repos[NAME].commits) == 2
