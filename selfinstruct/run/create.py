"""How a run folder begins: new, forked from another run, or taken up again.

Decides: what is frozen, that nothing of anybody else's is written over, and that a run is never
resumed with other settings. Does not know: rounds, beyond copying finished ones.
"""

from pathlib import Path

import tomli_w

from selfinstruct.errors import RunError
from selfinstruct.run.markers import marker_path, read_markers, require_run
from selfinstruct.settings import Settings
from selfinstruct.storage import replace_file
from selfinstruct.task import to_json


def create(folder: Path, settings: Settings, version: str, fork: Path | None) -> None:
    """Freeze the settings of a new run; run.toml is written last.

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
    _clear(folder)
    replace_file(folder / ".new", b"")
    if fork is not None:
        _copy_rounds(fork, folder)
        _copy_topics(fork, folder, settings)
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
    try:
        ancestors = [fork / "ancestors.jsonl", fork / "seeds.jsonl"]
        data = b"".join(path.read_bytes() for path in ancestors if path.exists())
        replace_file(folder / "ancestors.jsonl", data)
        for name in ("pool.jsonl", "rejected.jsonl", "timings.jsonl"):
            if (fork / name).exists():
                replace_file(folder / name, (fork / name).read_bytes())
        for path in sorted((fork / "journal").glob("[0-9]*.jsonl")):
            if 1 <= int(path.name.partition("-")[0]) <= len(markers):
                replace_file(folder / "journal" / path.name, path.read_bytes())
    except OSError as error:
        hint = "the run that --fork names is damaged; restore it"
        raise RunError(f"cannot read {error.filename}: {error.strerror}", hint=hint) from error
    for marker in markers:
        replace_file(marker_path(folder, marker.round), to_json(marker) + b"\n")


def _copy_topics(fork: Path, folder: Path, settings: Settings) -> None:
    """Copy the topics that a model wrote, if the new run wants as many: it need not be asked."""
    had = require_run(fork)["fingerprint"].get("topics")
    path = fork / "topics.jsonl"
    if path.exists() and had == settings.fingerprint().get("topics"):
        replace_file(folder / path.name, path.read_bytes())


def same_fork(folder: Path, fork: Path | None) -> None:
    """Refuse to fork into a run that is there already, unless it is that fork."""
    if fork is None:
        return
    origin = require_run(folder).get("forked_from", {}).get("fingerprint")
    if origin != require_run(fork)["fingerprint"]:
        message = f"{folder} is a run already, and no fork of {fork}: nothing of it would come in"
        raise RunError(message, hint="give a new folder with --out, or leave out --fork")


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
