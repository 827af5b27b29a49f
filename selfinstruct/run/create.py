"""How a run folder begins: new, forked from another run, or taken up again.

Decides: what is frozen, that nothing of anybody else's is written over, and that a run is never
resumed with other settings. Does not know: rounds, beyond copying finished ones.
"""

from collections.abc import Sequence
from pathlib import Path

import tomli_w

from selfinstruct.errors import RunError
from selfinstruct.run.markers import Marker, marker_path, read_markers, require_run
from selfinstruct.settings import Settings
from selfinstruct.storage import replace_file
from selfinstruct.task import to_json


def create(
    folder: Path, settings: Settings, version: str, fork: Path | None, source: Path | None
) -> None:
    """Freeze the settings of a new run; run.toml is written last.

    A fork begins with the finished rounds of a run; one with a `source` is to judge them anew,
    and begins with what was asked and answered in them.

    The file ".new" says that what lies in the folder is ours, left by a process that was killed
    in the middle of this, so that nothing of anybody else's is ever written over.
    """
    others = sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))
    if others and not (folder / ".new").exists():
        message = f"{folder} is not empty and not a run folder (it holds {others[0]!r})"
        raise RunError(message, hint="give a new folder with --out")
    tree = settings.frozen(version)
    if fork is not None:
        tree["forked_from"] = {"fingerprint": require_run(fork)["fingerprint"]}
    if source is not None:
        tree["resifted_from"] = {"fingerprint": require_run(source)["fingerprint"]}
    _clear(folder)
    replace_file(folder / ".new", b"")
    if fork is not None:
        _copy_rounds(fork, folder)
        _copy_topics(fork, folder, settings)
    if source is not None:
        _copy_past(source, folder, read_markers(source))
        _copy_topics(source, folder, settings)
    replace_file(folder / "seeds.jsonl", [to_json(task) + b"\n" for task in settings.seeds])
    text = tomli_w.dumps(tree, multiline_strings=True)
    replace_file(folder / "run.toml", text.encode())
    (folder / ".new").unlink()


OURS = (
    "pool.jsonl",
    "rejected.jsonl",
    "timings.jsonl",
    "seeds.jsonl",
    "ancestors.jsonl",
    "topics.jsonl",
)
"""What an unfinished creation may have left beside rounds/ and journal/."""


def _clear(folder: Path) -> None:
    """Take away what a creation that was killed has left: another may want other rounds."""
    left = [folder / name for name in OURS]
    left += [*(folder / "rounds").glob("*.json"), *(folder / "journal").glob("*.jsonl")]
    for path in left:
        path.unlink(missing_ok=True)


def _copy_rounds(fork: Path, folder: Path) -> None:
    """Copy the finished rounds of a run, which may be growing meanwhile: hence markers first.

    Its seeds become ancestors: parents of copied tasks that may be no seeds of the new run.
    """
    markers = read_markers(fork)
    _copy_past(fork, folder, markers)
    try:
        for name in ("pool.jsonl", "rejected.jsonl"):
            if (fork / name).exists():
                replace_file(folder / name, (fork / name).read_bytes())
    except OSError as error:
        raise _damaged(error) from error
    for marker in markers:
        replace_file(marker_path(folder, marker.round), to_json(marker) + b"\n")


def _copy_past(past: Path, folder: Path, markers: Sequence[Marker]) -> None:
    """Copy what the model wrote in the finished rounds of a run, and where its tasks come from."""
    try:
        ancestors = [past / "ancestors.jsonl", past / "seeds.jsonl"]
        data = b"".join(path.read_bytes() for path in ancestors if path.exists())
        replace_file(folder / "ancestors.jsonl", data)
        if (past / "timings.jsonl").exists():
            replace_file(folder / "timings.jsonl", (past / "timings.jsonl").read_bytes())
        for path in sorted((past / "journal").glob("[0-9]*.jsonl")):
            if 1 <= int(path.name.partition("-")[0]) <= len(markers):
                replace_file(folder / "journal" / path.name, path.read_bytes())
    except OSError as error:
        raise _damaged(error) from error


def _damaged(error: OSError) -> RunError:
    """Return the error of a run that cannot be copied."""
    hint = "the run that is to be copied is damaged; restore it"
    return RunError(f"cannot read {error.filename}: {error.strerror}", hint=hint)


def _copy_topics(fork: Path, folder: Path, settings: Settings) -> None:
    """Copy the topics that a model wrote, if the new run wants as many: it need not be asked."""
    had = require_run(fork)["fingerprint"].get("topics")
    path = fork / "topics.jsonl"
    if path.exists() and had == settings.fingerprint().get("topics"):
        replace_file(folder / path.name, path.read_bytes())


def same_fork(folder: Path, fork: Path | None, source: Path | None) -> None:
    """Refuse to begin in a run that is there already, unless it began with that very past."""
    for key, past in (("forked_from", fork), ("resifted_from", source)):
        if past is None:
            continue
        origin = require_run(folder).get(key, {}).get("fingerprint")
        if origin != require_run(past)["fingerprint"]:
            what = "no fork of" if key == "forked_from" else "not sifted from"
            message = f"{folder} is a run already, and {what} {past}: nothing of it would come in"
            raise RunError(message, hint="give a new folder with --out, or leave that run out")


def begun_licence(folder: Path) -> str | None:
    """Return the model's licence that a run was begun with, None where there is no run yet.

    It comes from a model card, which may not be reachable each time the model is.
    """
    if not (folder / "run.toml").exists():
        return None
    licence = require_run(folder)["fingerprint"].get("model-licence")
    return licence if isinstance(licence, str) else None


def same_settings(folder: Path, settings: Settings) -> None:
    """Refuse to go on with a run that was begun with other settings, naming what differs."""
    had = require_run(folder)["fingerprint"]
    now = settings.fingerprint()
    differing = [
        f"{name}: {had.get(name, 'none')!r} there, {now.get(name, 'none')!r} now"
        for name in dict.fromkeys((*now, *had))
        if had.get(name) != now.get(name)
    ]
    if differing:
        message = f"{folder} was begun with other settings ({'; '.join(differing)})"
        hint = (
            f"use the same settings to go on, or fork: selfinstruct grow --fork {folder} "
            "--out NEW_FOLDER starts a new run from its finished rounds"
        )
        raise RunError(message, hint=hint)
