"""Exports for the tests of trainers: a grown run, and a file with rows that break readers.

Decides: which rows are hostile, and that every export comes from the command, run as a user
runs it. Does not know: any trainer.
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from command import run

FORMATS = ("flan", "alpaca", "messages", "prompt_completion")
"""What trainers read of every row; preference needs two answers."""

ALL = (*FORMATS, "raw")
"""Formats that every row can be written in."""

_LONG = "A line of a very long report, number {}. 长报告的一行。\n"

HOSTILE: tuple[tuple[str, str, str], ...] = (
    ("Add the numbers.", "2 and 4", "6"),
    ("Add the numbers.", "5 and 0.0", "5"),
    ("Is the statement true?", "Water is wet.", "true"),
    ("Say null in JSON.", "", "null"),
    ("Write an empty JSON object.", "", "{}"),
    ("Write ten to the fifth power in short.", "", "1e5"),
    ("When did the year begin?", "", "2024-01-01"),
    ("Name the day after.", "2024-02-28", "2024-02-29"),
    ("把句子翻译成英文。", "今天下雨了。", "It rained today."),
    ("写一句关于秋天的话。", "", "秋风起，叶落满院，猫在门口晒太阳。"),
    ("Answer with one emoji.", "How is the rocket? 🚀", "👩🏽\u200d🚀"),
    ("Answer in emoji alone.", "", "🎉🇨🇦☕️"),
    ("Separate the paragraphs.", "one\u2028two\u2029three", "one\u2028\u2029two\u0085three\u000b!"),
    ("Keep the line ends.", "a\r\nb\rc\n", "\ta\r\nb\rc"),
    ("Quote \"this\" and 'that'.", "back\\slash \\n \\u2028", '{"key": "va\\"lue"}'),
    ("Fill the {input} into {instruction}.", "{input} {{x}} %s $1", "{output} {0}"),
    ("Begin with a mark.", "\ufeffmarked", "\ufeffmarked"),
    ("Put a zero byte between.", "a b", "a\u0000b"),
    ("Mend the text.", "half \ud83d an emoji", "half \ud83d an emoji \udc00"),
    ("Sum up.", "".join(map(_LONG.format, range(1600))), "A long report of 1,600 lines."),
    ("Write a long report.", "", "".join(map(_LONG.format, range(1600)))),
    ("Accent the word.", "cafe\u0301", "café, Straße, ﬁ, Ⅷ"),
    ("Call the function.", "", "<div>\n    <p>print('é')</p>\n</div>"),
)
"""Instruction, input and output: what readers of JSON have been seen to change or to refuse."""

DATES: tuple[tuple[str, str, str], ...] = tuple(
    (f"Write the date in the form of ISO 8601, example {day}.", f"{day} May 2024", f"2024-05-{day}")
    for day in range(10, 22)
)
"""Rows whose outputs all look like dates, which some readers turn into times."""


def mended(text: str) -> str:
    """Return a text as an export has it: what is no character in UTF-8 is replaced."""
    return "".join("\ufffd" if "\ud800" <= letter <= "\udfff" else letter for letter in text)


def write_file(path: Path, texts: tuple[tuple[str, str, str], ...]) -> Path:
    """Write rows as a user has them, JSONL in ASCII; return the path."""
    fields = ("instruction", "input", "output")
    rows = [json.dumps(dict(zip(fields, row, strict=True))) + "\n" for row in texts]
    path.write_text("".join(rows), encoding="ascii")
    return path


def export(source: Path, folder: Path, *formats: str, more: tuple[str, ...] = ()) -> Path:
    """Export a run or a file in some formats into one folder; return the folder."""
    result = run("export", source, "--format", ",".join(formats), "--out", folder, *more)
    assert result.code == 0, result
    return folder


def in_order(texts: Iterable[str], among: Iterable[str]) -> bool:
    """Say whether all texts are among others, in the same order."""
    rest = iter(among)
    return all(text in rest for text in texts)


def lines(path: Path) -> list[dict[str, Any]]:
    """Return the rows of a JSONL file, as the JSON library reads them."""
    with path.open(encoding="utf-8", newline="\n") as opened:
        return [json.loads(line) for line in opened]


def written(folder: Path, name: str, split: str = "train") -> list[dict[str, Any]]:
    """Return the rows of a format and split of an export, over all of its files."""
    found = sorted((folder / name).glob(f"{split}*.jsonl"))
    assert found, f"no {split} of {name} in {folder}"
    return [row for path in found for row in lines(path)]
