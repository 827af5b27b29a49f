"""Exports: rows in the shapes that trainers read.

Decides: that rows are selected, rendered and written in one pass. Does not know: formats or files.
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import msgspec

from selfinstruct.export.base import Row, found_rows, rows
from selfinstruct.export.companions import Manifest, write_companions
from selfinstruct.export.files import FolderFiles, Line, Written, write_file, write_folder
from selfinstruct.export.formats import FORMATS, Ways, begun, known_formats
from selfinstruct.export.mixture import Selection
from selfinstruct.export.split import TRAIN, WHOLE, split_of

__all__ = [
    "FORMATS",
    "Exported",
    "Row",
    "Ways",
    "export_file",
    "export_folder",
    "export_splits",
    "found_rows",
    "known_formats",
    "rows",
]


class Exported(msgspec.Struct, frozen=True):
    """What an export came to: its files by split, and what was drawn for rows with templates.

    `left_out` says how many rows were not taken, by reason.
    """

    splits: dict[str, Written]
    drawn: dict[str, int]
    templates: int
    left_out: dict[str, int]

    @property
    def count(self) -> int:
        """Return how many rows were written."""
        return sum(one.rows for one in self.splits.values())


def export_file(source: Iterable[Row], name: str, path: Path, ways: Ways) -> Exported:
    """Write rows in a format to one file, which appears whole or not at all."""
    render, flan = begun(name, ways)
    chosen = Selection(ways.mixture)
    lines = (line for row in source if chosen.takes(row) for line in render(row))
    written = write_file(path, FORMATS[name].row_type, lines)
    return Exported(
        {"train": written}, dict(flan.drawn), len(flan.templates), dict(chosen.left_out)
    )


def export_folder(
    source: Iterable[Row],
    name: str,
    target: FolderFiles,
    ways: Ways,
    shares: Mapping[str, float] = WHOLE,
) -> Exported:
    """Write rows in a format to the folder FOLDER/NAME, by split, and what describes it beside it.

    README.md, dataset_info.json and manifest.json of FOLDER then tell of all formats in it.
    """
    done = export_splits(source, name, target, ways, shares)
    drawn = dict(sorted(done.drawn.items()))
    write_companions(target.folder, name, Manifest(target.form, done.splits, drawn, done.templates))
    return done


def export_splits(
    source: Iterable[Row],
    name: str,
    target: FolderFiles,
    ways: Ways,
    shares: Mapping[str, float] = WHOLE,
) -> Exported:
    """Write rows in a format to the folder FOLDER/NAME, by split; it is replaced whole."""
    render, flan = begun(name, ways)
    chosen = Selection(ways.mixture)

    def lines() -> Iterator[Line]:
        for row in source:
            if chosen.takes(row):
                split = split_of(row.family, shares) if shares else TRAIN
                for line in render(row):
                    yield split, line

    files = write_folder(
        target._replace(folder=target.folder / name), FORMATS[name].row_type, lines()
    )
    return Exported(files, dict(flan.drawn), len(flan.templates), dict(chosen.left_out))
