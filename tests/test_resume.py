"""Law 2: kill it at any instant, and the next run ends with the same bytes."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from random import Random

import pytest
from script import write_script

from selfinstruct.run import Marker, read_markers
from selfinstruct.storage import read_rows
from selfinstruct.task import Task

HERE = Path(__file__).parent
KILLS = 5
"""Kills of one run before it may finish; with ten runs, 50 kills in all."""


def bytes_of(run: Path) -> dict[str, bytes]:
    """Return the content of everything that must be equal: all but journal, times and lock."""
    files = [run / "run.toml", run / "seeds.jsonl", run / "pool.jsonl", run / "rejected.jsonl"]
    files += sorted((run / "rounds").iterdir())
    files += sorted(path for path in (run / "export").rglob("*") if path.is_file())
    files += sorted(run.glob("topics.jsonl"))
    return {str(path.relative_to(run)): path.read_bytes() for path in files}


def play(
    out: Path, script: Path, *more: str, kill_at: int = 0, hash_seed: str = "0"
) -> subprocess.CompletedProcess[str]:
    """Grow three rounds in a process of its own, with `more` options."""
    command = [sys.executable, str(HERE / "killed.py"), str(kill_at), "grow", "--rounds", "3"]
    command += ["--prompts-per-round", "12", "--engine", f"scripted:{script}", "--out", str(out)]
    command += more
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, bytes], int]:
    """Return the script, the bytes of a run that nobody killed, and its number of events."""
    folder = tmp_path_factory.mktemp("undisturbed")
    script = write_script(folder / "script.jsonl")
    result = play(folder / "run", script)
    assert result.returncode == 0, result.stderr
    events = int(result.stderr.split()[-1])
    return script, bytes_of(folder / "run"), events


def test_script_exercises_every_stage(undisturbed: tuple[Path, dict[str, bytes], int]) -> None:
    """The run that the kills disturb accepts tasks and refuses some, in every round."""
    _, files, events = undisturbed
    assert events > 10_000
    assert files["pool.jsonl"].count(b"\n") > 10
    assert files["rejected.jsonl"].count(b"\n") > 10
    assert all(files[f"rounds/000{number}.json"] for number in (1, 2, 3))


@pytest.mark.parametrize("run_seed", range(10))
def test_killed_run_ends_with_the_same_bytes(
    run_seed: int, undisturbed: tuple[Path, dict[str, bytes], int], tmp_path: Path
) -> None:
    """A run that SIGKILL ends at five random moments, and is resumed, equals an undisturbed one."""
    script, expected, events = undisturbed
    random = Random(run_seed)
    kills = 0
    for _ in range(KILLS):
        result = play(tmp_path / "run", script, kill_at=random.randint(1, events))
        kills += result.returncode == -signal.SIGKILL
    result = play(tmp_path / "run", script)
    assert result.returncode == 0, result.stderr
    assert bytes_of(tmp_path / "run") == expected
    assert kills > 0


def steered(folder: Path, kind: str) -> list[str]:
    """Return the options of a run that is told what to grow, in one of three ways."""
    path = folder / "topics.txt"
    path.write_text("owls\t4\nrivers\nold clocks\t3\n", encoding="utf-8")
    ways = {
        "given": ["--topics", str(path)],
        "generated": ["--generate-topics", "5"],
        "novel": ["--generate-topics", "9", "--stop-when-novelty-below", "0.9"],
    }
    return ways[kind]


@pytest.mark.parametrize("kind", ["given", "generated", "novel"])
def test_killed_run_with_topics_ends_with_the_same_bytes(kind: str, tmp_path: Path) -> None:
    """Topics, their quotas and an early end survive SIGKILL: also of a model that names topics."""
    script = write_script(tmp_path / "script.jsonl")
    whole = play(tmp_path / "whole", script, *steered(tmp_path, kind), hash_seed="3")
    assert whole.returncode == 0, whole.stderr
    events = int(whole.stderr.split()[-1])
    expected = bytes_of(tmp_path / "whole")
    rounds = sum(name.startswith("rounds/") for name in expected)
    assert rounds == (3 if kind != "novel" else 2)
    random = Random(kind)
    moments = [random.randint(1, events) for _ in range(KILLS)]
    moments += [random.randint(events // 40, events // 8) for _ in range(2)]  # before round 1 ends
    kills = 0
    for kill_at in moments:
        result = play(tmp_path / "run", script, *steered(tmp_path, kind), kill_at=kill_at)
        kills += result.returncode == -signal.SIGKILL
    result = play(tmp_path / "run", script, *steered(tmp_path, kind))
    assert result.returncode == 0, result.stderr
    assert bytes_of(tmp_path / "run") == expected
    assert kills > 0


@pytest.mark.parametrize("hash_seed", ["1", "2"])
def test_same_bytes_under_any_hash_seed(
    hash_seed: str, undisturbed: tuple[Path, dict[str, bytes], int], tmp_path: Path
) -> None:
    """The same command gives the same bytes, whatever PYTHONHASHSEED is."""
    script, expected, _ = undisturbed
    assert play(tmp_path / "run", script, hash_seed=hash_seed).returncode == 0
    assert bytes_of(tmp_path / "run") == expected


def test_torn_journal_and_pool_are_rebuilt(
    undisturbed: tuple[Path, dict[str, bytes], int], tmp_path: Path
) -> None:
    """Half a line at the end of any file, and rows beyond the last marker, are made good."""
    script, expected, _ = undisturbed
    run = tmp_path / "run"
    assert play(run, script).returncode == 0
    (run / "rounds" / "0003.json").unlink()
    for path in [run / "pool.jsonl", *sorted((run / "journal").glob("0003-*"))]:
        path.write_bytes(path.read_bytes()[:-7])
    with (run / "rejected.jsonl").open("ab") as rejected:
        rejected.write(b'{"stage":"pro')
    assert play(run, script).returncode == 0
    assert bytes_of(run) == expected


def test_sigterm_stops_cleanly_and_says_how_to_resume(tmp_path: Path) -> None:
    """SIGTERM ends the process with exit code 143 and the command that goes on."""
    script = write_script(tmp_path / "script.jsonl")
    command = [sys.executable, "-m", "selfinstruct", "grow", "--rounds", "100000"]
    command += ["--engine", f"scripted:{script}", "--out", str(tmp_path / "run")]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        wait_for(tmp_path / "run" / "rounds" / "0002.json")
        process.terminate()
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 143
    assert "resume: selfinstruct grow --rounds 100000" in errors
    assert "Traceback" not in errors


def wait_for(path: Path, seconds: float = 60) -> None:
    """Wait until a file exists."""
    end = time.monotonic() + seconds
    while not path.exists():
        assert time.monotonic() < end, f"{path} did not appear"
        time.sleep(0.05)


@pytest.mark.model
@pytest.mark.timeout(1200)  # the model is slow where others use the processor too
def test_killed_real_model_resumes_without_loss(tmp_path: Path) -> None:
    """Killed three times with the real model, a run ends whole; no completion is paid twice."""
    out = tmp_path / "run"
    command = [sys.executable, "-m", "selfinstruct", "grow", "--rounds", "2"]
    command += ["--prompts-per-round", "6", "--out", str(out), "--quiet"]
    journals = [out / "journal" / name for name in ("0001-propose.jsonl", "0001-respond.jsonl")]
    journals.append(out / "journal" / "0002-propose.jsonl")
    for journal in journals:
        with subprocess.Popen(command) as process:
            try:
                wait_for(journal, seconds=300)
                time.sleep(0.4)
            finally:
                process.kill()
        had = {path: path.read_bytes() for path in (out / "journal").iterdir()}
    subprocess.run(command, check=True)
    for path, content in had.items():
        whole = content[: content.rfind(b"\n") + 1]
        assert path.read_bytes().startswith(whole)
    markers: list[Marker] = read_markers(out)
    assert [marker.round for marker in markers] == [1, 2]
    assert len(list(read_rows(out / "pool.jsonl", Task))) == sum(m.accepted for m in markers)
