"""Runs of the command on a server that fails: what was paid for is kept."""

import signal
import subprocess
import time
from pathlib import Path

import pytest
from command import environment, files, refused, run, words
from faulty_server import SECRET, Body, FaultyServer, asked, healthy, serving
from script import proposals

from selfinstruct.task import digest


def write(body: Body) -> str:
    """Answer the prompts of a run: short ones with a label, others with a task or a text."""
    number = int(digest(f"{asked(body)}{body['seed']}"), 16)
    if body.get("max_tokens", 99) <= 8:
        return (" Yes", " No")[number % 2]
    good = proposals()
    return good[number % len(good)]


def grow_words(server: FaultyServer, out: Path) -> list[str | Path]:
    """Return the words that grow a small run on a server."""
    given: list[str | Path] = ["grow", "--engine", f"openai:{server.spec}", "--out", out]
    for argument in ("backoff=0.01", "retries=1", "concurrency=4"):
        given += ["--engine-arg", argument]
    return [*given, "--rounds", "2", "--prompts-per-round", "12", "--model-licence", "MIT"]


def kept(folder: Path) -> dict[str, bytes]:
    """Return a run's files but for its journal, which holds completions as they came."""
    return {name: data for name, data in files(folder).items() if "journal" not in name}


class Counted:
    """Writes, and counts what was written."""

    def __init__(self) -> None:
        self.replies = 0

    def __call__(self, body: Body) -> str:
        """Answer a prompt."""
        self.replies += 1
        return write(body)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, bytes], int]:
    """Return the files of an undisturbed run, and how many replies it took."""
    out, counted = tmp_path_factory.mktemp("whole") / "run", Counted()
    with serving(write=counted) as server:
        done = run(*grow_words(server, out))
    assert done.code == 0, done.err
    return kept(out), counted.replies


@pytest.mark.parametrize("until", [7, 40])
def test_a_run_whose_server_died_is_resumed_and_ends_the_same(
    until: int, whole: tuple[dict[str, bytes], int], tmp_path: Path
) -> None:
    """The same command, given again, asks for nothing twice and ends with the same bytes."""
    counted = Counted()
    out, env = tmp_path / "run", {"OPENAI_API_KEY": SECRET}
    with serving(lambda *_: "" if counted.replies < until else "drop", write=counted) as server:
        died = run(*grow_words(server, out), env=env)
        said = f"the server at {server.url} does not answer: "
        refused(died, said, "the same command again", code=75)
        server.plan = healthy
        resumed = run(*grow_words(server, out), env=env)
        assert resumed.code == 0, resumed.err
    assert (kept(out), counted.replies) == whole
    written = [died.err.encode(), *files(out).values()]
    assert not [data for data in written if SECRET.encode() in data]


@pytest.mark.parametrize("kind", ["silent", "openai"])
def test_an_interrupt_does_not_wait_for_the_server(kind: str, tmp_path: Path) -> None:
    """Ctrl-C ends a run at once, whether its server lists no models or writes no text."""
    with serving(lambda *_: "delay:30", kind=kind) as server:
        process = subprocess.Popen(
            words(*grow_words(server, tmp_path / "run")),
            env=environment(),
            stderr=subprocess.PIPE,
        )
        while not (server.requests or (kind == "silent" and server.keys)):
            time.sleep(0.05)
        time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        began = time.monotonic()
        _, said = process.communicate(timeout=20)
        assert time.monotonic() - began < 10  # the server: 30
    assert process.returncode == 130
    assert b"Traceback" not in said
    assert b"Task was destroyed" not in said
