"""Running the command as a user does: a process of its own, with an exit code and two streams."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from script import write_script

SECONDS = 60
"""No command in the tests takes longer; one that does hangs."""


class Result(NamedTuple):
    """What a command came to."""

    code: int
    out: str
    err: str


def words(*arguments: str | Path) -> list[str]:
    """Return the words that start the command with these arguments."""
    return [sys.executable, "-m", "selfinstruct", *map(str, arguments)]


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment of a command: ours, in UTF-8, every warning an error."""
    return {**os.environ, "PYTHONUTF8": "1", "PYTHONWARNINGS": "error", **(extra or {})}


def run(
    *arguments: str | Path, cwd: Path | None = None, env: Mapping[str, str] | None = None
) -> Result:
    """Run the command and wait for it."""
    done = subprocess.run(
        words(*arguments),
        cwd=cwd,
        env=environment(env),
        capture_output=True,
        stdin=subprocess.DEVNULL,
        timeout=SECONDS,
        check=False,
    )
    return Result(done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode())


def refused(result: Result, *parts: str, code: int = 2) -> Result:
    """Check that a command was refused in the promised form, and that its error says `parts`.

    The promise: the exit code, one line of error, one line of hint, and no traceback.
    """
    assert result.code == code, result
    lines = result.err.splitlines()
    errors = [place for place, line in enumerate(lines) if line.startswith("error: ")]
    assert len(errors) == 1, result.err
    after = lines[errors[0] + 1 :]
    assert len(after) == 1, result.err
    assert after[0].startswith("hint: "), result.err
    assert len(after[0]) > len("hint: "), result.err
    assert "Traceback" not in result.err + result.out, result.err
    for part in parts:
        assert part in "\n".join(lines[errors[0] :]), (part, result.err)
    return result


def files(folder: Path) -> dict[str, bytes]:
    """Return all files below a folder, but for the lock and the timings, which are no data."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name not in {".lock", "timings.jsonl"}
    }


def copied(folder: Path, target: Path) -> Path:
    """Copy all that `files` returns of a folder, to be changed or damaged; return the copy."""
    for name, content in files(folder).items():
        path = target / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return target


def grow_words(folder: Path, *more: str | Path) -> list[str]:
    """Return the words that grow a small scripted run in `folder`/run, and `more` of them."""
    script = folder / "script.jsonl"
    if not script.exists():
        write_script(script)
    given = ["--engine", f"scripted:{script}", "--out", str(folder / "run")]
    return ["grow", *given, "--prompts-per-round", "12", "--rounds", "2", *map(str, more)]


def grown(folder: Path, *more: str | Path) -> Path:
    """Grow a small scripted run in `folder`/run and return its folder."""
    result = run(*grow_words(folder, *more))
    assert result.code == 0, result
    return folder / "run"
