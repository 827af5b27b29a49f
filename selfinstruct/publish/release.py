"""A run as a folder for others: rows in every format, a card, and what checks and repeats them.

Decides: what a release has, that the same run gives the same bytes (no clock, no name of a
machine), and that the folder appears whole or stays as it was. Does not know: where a release
goes.
"""

from collections.abc import Mapping
from pathlib import Path

import msgspec

from selfinstruct.augment.step import read_augmented
from selfinstruct.errors import InputError, RunError
from selfinstruct.export.files import SHARD_SIZE
from selfinstruct.publish.card import Place, Subject, card, licences_of
from selfinstruct.publish.croissant import About, croissant
from selfinstruct.publish.data import DataSettings, trainer_entries, write_data
from selfinstruct.publish.pictures import pictures
from selfinstruct.publish.portable import portable_name
from selfinstruct.publish.reproduce import known_of, write_config
from selfinstruct.publish.sums import SUMS, Listed, entry, listed, names_in, write_sums
from selfinstruct.publish.target import check_repo, check_tag
from selfinstruct.run import finished_rows, read_markers, require_run
from selfinstruct.stats import by_round, measure
from selfinstruct.storage import replace_file, replaced_folder
from selfinstruct.task import Task


class ReleaseSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What a release is told.

    `repo` is ORG/NAME on a Hub, "" for a folder that people copy; `tag` is the revision that the
    card loads. `shares` are those of validation and test; None takes a twentieth each, where there
    are 200 tasks or more. `shard_size` is in bytes.
    """

    repo: str = ""
    tag: str = ""
    shares: Mapping[str, float] | None = None
    mixture: Path | None = None
    shard_size: int = SHARD_SIZE


class Release(msgspec.Struct, frozen=True, kw_only=True):
    """What was written: all files with size and SHA-256, rows by configuration and split.

    `notes` are sentences for who publishes: what is not there, and what a reader would get wrong.
    """

    folder: Path
    files: tuple[Listed, ...]
    rows: dict[str, dict[str, int]]
    notes: tuple[str, ...]


def build(run: Path, folder: Path, how: ReleaseSettings) -> Release:
    """Write the release of a run to a folder; one that is there already is replaced whole.

    Raises InputError for a run without tasks, a folder that holds other files, and a wrong name;
    RunError where the run changed meanwhile; StorageError where the folder cannot be written.
    """
    _check_names(how)
    folder = folder.resolve()
    _refuse_strangers(folder)
    with replaced_folder(folder) as fresh:
        release = _written(run, fresh, how)
    return msgspec.structs.replace(release, folder=folder)


def _check_names(how: ReleaseSettings) -> None:
    """Raise InputError for a repository or tag that no Hub takes."""
    if how.repo:
        check_repo(how.repo)
    if how.tag:
        check_tag(how.tag)


def _refuse_strangers(folder: Path) -> None:
    """Raise InputError for a folder that a release must not replace."""
    if not folder.exists():
        return
    hint = "give another folder, or move that one away"
    if not folder.is_dir():
        raise InputError(f"{folder} is a file, not a folder", hint=hint)
    known = names_in(folder / SUMS) | {SUMS}
    names = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    if strange := min((name for name in names if name not in known), default=""):
        raise InputError(f"{folder} holds what no release wrote: {strange}", hint=hint)


def _written(run: Path, folder: Path, how: ReleaseSettings) -> Release:
    """Write all files of a release to an empty folder."""
    require_run(run)
    markers, augmented = read_markers(run), read_augmented(run)
    measured = measure(finished_rows(run, "pool", Task))
    if not measured.tasks:
        message = f"{run} has no grown tasks: there is nothing to publish"
        raise InputError(message, hint=f"grow some: selfinstruct grow --out {run}")
    known = known_of(run)
    measured = msgspec.structs.replace(measured, judges=tuple(map(portable_name, measured.judges)))
    rounds = by_round(markers, {})
    told = DataSettings(how.shares, how.mixture, how.shard_size)
    data = write_data(run, folder, told, tasks=measured.tasks)
    write_config(folder / "config", known, how.mixture)
    drawn = pictures(rounds, measured)
    for one in drawn:
        replace_file(folder / "images" / one.file, one.svg.encode())
    place = Place(how.repo, how.tag)
    subject = Subject(run, known, data, rounds, measured, drawn, augmented, bool(how.mixture))
    replace_file(folder / "README.md", card(subject, place).encode())
    entries = msgspec.json.encode(trainer_entries(data.configs, how.repo))
    replace_file(folder / "dataset_info.json", msgspec.json.format(entries, indent=1) + b"\n")
    about = About(
        name=place.name,
        description=f"{measured.tasks} tasks with answers, grown by Self-Instruct with a model.",
        licences=tuple(sorted(one for one in licences_of(subject) if one)),
        languages=tuple(sorted(data.origins["language"])),
    )
    files = listed(folder)
    replace_file(folder / "croissant.json", croissant(about, data.configs, files))
    if (read_markers(run), read_augmented(run)) != (markers, augmented):
        message = f"{run} grew while its release was written"
        raise RunError(message, hint="wait until it is finished, then give the same command again")
    files = write_sums(folder, [*files, entry(folder, folder / "croissant.json")])
    rows = {
        one.name: {name: split.rows for name, split in one.splits.items()} for one in data.configs
    }
    return Release(folder=folder, files=tuple(files), rows=rows, notes=tuple(data.notes))
