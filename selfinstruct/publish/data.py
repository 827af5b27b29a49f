"""The rows of a release: each configuration is a format, and one has what was refused.

Decides: which configurations there are, their splits, and that no row names a path of a machine.
Does not know: the card, or what lies beside the rows.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from shutil import rmtree
from typing import Any, NamedTuple

import msgspec

from selfinstruct.errors import InputError
from selfinstruct.export import FORMATS, Row, Ways, export_splits
from selfinstruct.export import rows as run_rows
from selfinstruct.export.companions import Manifest, dataset_info, hub_dataset_info
from selfinstruct.export.files import SHARD_SIZE, FolderFiles, Written, write_folder
from selfinstruct.export.mixture import load_mixture
from selfinstruct.export.preference import read_pairs
from selfinstruct.export.split import WHOLE
from selfinstruct.preferences.pairs import FILE as PAIRS
from selfinstruct.publish.portable import portable_name
from selfinstruct.publish.rejects import RejectRow, reject_rows
from selfinstruct.task import Task

DEFAULT = "flan"
"""The configuration that is read where none is named."""

REJECTS = "rejects"
_FORMATS = (DEFAULT, "alpaca", "messages", "prompt_completion", "raw")
SHARES: Mapping[str, float] = {"validation": 0.05, "test": 0.05}
MIN_SPLIT = 200
"""Tasks from which on a release has SHARES: a twentieth of fewer says nothing."""


class Config(NamedTuple):
    """A configuration: the files of each split that has rows, and the columns of a row."""

    name: str
    splits: dict[str, Written]
    row_type: type[msgspec.Struct]
    drawn: dict[str, int]
    templates: int = 0

    @property
    def rows(self) -> int:
        """Return how many rows there are in all splits."""
        return sum(one.rows for one in self.splits.values())

    def pattern(self, split: str) -> str:
        """Return the files of a split, as a path or as a glob that fits no others."""
        files = self.splits[split].files
        return f"data/{self.name}/{files[0] if len(files) == 1 else f'{split}-*.jsonl'}"

    def files(self, split: str) -> list[str]:
        """Return the paths of a split's files."""
        return [f"data/{self.name}/{file}" for file in self.splits[split].files]


class DataSettings(NamedTuple):
    """How rows are written: their shares by split (None: SHARES, if there are MIN_SPLIT tasks)."""

    shares: Mapping[str, float] | None = None
    mixture: Path | None = None
    shard_size: int = SHARD_SIZE


class Data(NamedTuple):
    """What was written: the configurations with rows, the default one first; and on the way.

    `origins` counts the rows by "kind", "licence", "model", "language" and "method".
    """

    configs: list[Config]
    origins: dict[str, Counter[str]]
    left_out: dict[str, int]
    notes: list[str]


def write_data(run: Path, folder: Path, how: DataSettings, *, tasks: int) -> Data:
    """Write all configurations to FOLDER/data; raise InputError where no row is left for them."""
    shares, notes = how.shares, []
    if shares is None:
        shares = SHARES if tasks >= MIN_SPLIT else WHOLE
        if not shares:
            notes.append(f"{tasks} tasks, fewer than {MIN_SPLIT}: all rows are in the split train")
    ways = Ways(load_mixture(how.mixture))
    names = list(_FORMATS)
    if (run / PAIRS).exists():
        ways = ways._replace(pairs=read_pairs(run))
        names.append("preference")
    target = FolderFiles(folder / "data", shard_size=how.shard_size)
    origins: dict[str, Counter[str]] = {
        name: Counter() for name in ("kind", "licence", "model", "language", "method")
    }
    configs: list[Config] = []
    left_out: dict[str, int] = {}
    for name in names:
        source = _rows(run, origins if name == DEFAULT else {})
        done = export_splits(source, name, target, ways, shares)
        row_type = FORMATS[name].row_type
        drawn = dict(sorted(done.drawn.items()))
        configs.append(Config(name, done.splits, row_type, drawn, done.templates))
        left_out = done.left_out if name == DEFAULT else left_out
    refused = (("train", row) for row in reject_rows(run))
    splits = write_folder(target._replace(folder=folder / "data" / REJECTS), RejectRow, refused)
    configs.append(Config(REJECTS, splits, RejectRow, {}))
    there = [_without_empty(folder, one) for one in configs]
    if not there[0].rows:
        message = f"no row of {run} is left for the configuration {DEFAULT}"
        raise InputError(message, hint="give a mixture that leaves some, or grow more rounds")
    notes += [f"no row for the configuration {one.name}: left out" for one in there if not one.rows]
    notes += [note for one in there for note in _date_notes(one)]
    return Data([one for one in there if one.rows], origins, left_out, notes)


def _rows(run: Path, origins: Mapping[str, Counter[str]]) -> Iterator[Row]:
    """Yield the rows of a run with names of models instead of paths; count where they are from."""
    for row in run_rows(run):
        source = row.source
        for name, counts in origins.items():
            counts[getattr(source, name)] += 1
        if portable_name(source.model) != source.model or _judges(row.task):
            yield _portable(row)
        else:
            yield row


def _judges(task: Task) -> bool:
    """Say whether a judge of a task is named by a path."""
    return any(portable_name(one.model) != one.model for one in task.judgements or ())


def _portable(row: Row) -> Row:
    """Return a row that names models without their paths."""
    replace = msgspec.structs.replace
    task = row.task
    name = portable_name(row.source.model)
    judged = tuple(replace(one, model=portable_name(one.model)) for one in task.judgements or ())
    task = replace(
        task, origin=replace(task.origin, model=name), judgements=judged or msgspec.UNSET
    )
    return replace(row, task=task, source=replace(row.source, model=name))


def _without_empty(folder: Path, config: Config) -> Config:
    """Delete files without rows: no reader takes a type from them."""
    for written in config.splits.values():
        for file in () if written.rows else written.files:
            (folder / "data" / config.name / file).unlink()
    if not config.rows:
        rmtree(folder / "data" / config.name)
    return config._replace(splits={name: one for name, one in config.splits.items() if one.rows})


def _date_notes(config: Config) -> Iterable[str]:
    for written in config.splits.values():
        for one in written.dates:
            say = "nothing but dates, which `datasets` gives back in another form"
            yield f"data/{config.name}/{one}: {say}"


def trainer_entries(configs: Iterable[Config], repo: str) -> dict[str, dict[str, Any]]:
    """Return LLaMA-Factory's dataset_info.json: of a repository by split, of a folder by file."""
    if repo:
        return dict(hub_dataset_info({one.name: one.splits for one in configs}, repo))
    there = {one.name: Manifest("jsonl", one.splits, one.drawn, one.templates) for one in configs}
    return dict(dataset_info(there, "data/"))
