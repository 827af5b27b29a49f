"""`selfinstruct seeds from-dataset`: texts with labels become classification tasks.

Decides: what is said of the columns, the labels and the rows. Does not know: which rows stand
where, or how a task is put into words.
"""

from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path

import click

from selfinstruct.cli.seeds_file import check_out, say_written
from selfinstruct.errors import InputError
from selfinstruct.importing.labelled import (
    LABELS,
    TEXTS,
    Draw,
    Labelled,
    find_column,
    make_tasks,
    name_labels,
    read_labelled,
)
from selfinstruct.importing.wording import Wording, load_wordings
from selfinstruct.storage import replace_file
from selfinstruct.tables import FORMS, form_of, read
from selfinstruct.task import to_json
from selfinstruct.visible import visible

_LISTED = 10
"""Labels that are listed by name in a note."""


@click.command("from-dataset", short_help="Make classification tasks of texts with labels.")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Seed file to write.")
@click.option(
    "--text", default="", metavar="COL", help="Column of the texts, if not known by name."
)
@click.option(
    "--label", default="", metavar="COL", help="Column of the labels, if not known by name."
)
@click.option(
    "--labels",
    "given",
    default="",
    metavar="LABEL=NAME,...",
    help="What labels are called: 0=negative,1=positive.",
)
@click.option("--keep-numbers", is_flag=True, help="Labels that are numbers need no names.")
@click.option(
    "--task",
    default="",
    help="What the labels say of a text, as a noun: 'the sentiment of the review'.",
)
@click.option(
    "--language", default="en", show_default=True, help="Language of the instructions: en or zh."
)
@click.option(
    "--tasks",
    "count",
    type=click.IntRange(min=1),
    help="Wordings, one task each.  [default: all there are]",
)
@click.option(
    "--instances",
    default=8,
    show_default=True,
    type=click.IntRange(min=1),
    help="Texts in each task, as many of each label as can be.",
)
@click.option("--seed", default=0, show_default=True, help="Another seed draws other texts.")
@click.option("--name", default="", help="What ids begin with.  [default: the name of the file]")
@click.option(
    "--format", "form", default="", help=f"What the file is, if not by name: {', '.join(FORMS)}."
)
def from_dataset(
    *,
    file: Path,
    out: Path,
    text: str,
    label: str,
    given: str,
    keep_numbers: bool,
    task: str,
    language: str,
    count: int | None,
    instances: int,
    seed: int,
    name: str,
    form: str,
) -> None:
    """Make classification tasks of a FILE that has texts with labels.

    Each of several wordings becomes a seed, with texts of its own, drawn by their content: the
    same rows in another order give the same seeds.
    """
    check_out([file], out)
    wanted = _parse_labels(given)
    wordings = _chosen(language, count, has_task=bool(task.strip()))
    rows = read(file, form_of(file, form))
    first = next(rows)
    of_text = find_column(text, "text", TEXTS, first.columns, but=label)
    of_label = find_column(label, "label", LABELS, first.columns, but=of_text)
    _say(f"{file}: texts from {of_text!r}, labels from {of_label!r}")
    found = read_labelled(chain([first], rows), of_text, of_label)
    names = name_labels(found.texts, wanted, keep_numbers=keep_numbers)
    texts: dict[str, list[str]] = {one: [] for one in names.values()}
    for one, called in names.items():
        texts[called] += found.texts[one]
    draw = Draw(instances, seed, name or file.name.partition(".")[0])
    made = make_tasks(texts, wordings, draw, language=language, task=task.strip())
    _notes(found, texts, draw, len(made))
    replace_file(out, b"".join(to_json(one) + b"\n" for one in made))
    say_written(out, len(made), sum(len(one.instances) for one in made), language)


def _parse_labels(given: str) -> dict[str, str]:
    """Read `0=negative,1=positive`."""
    found: dict[str, str] = {}
    for part in filter(None, (part.strip() for part in given.split(","))):
        label, sign, name = (word.strip() for word in part.partition("="))
        if not label or not sign or not name or label in found:
            problem = "is given twice" if label in found else "is no label with its name"
            hint = "for example --labels 0=negative,1=positive"
            raise InputError(f"--labels: {part!r} {problem}", hint=hint)
        found[label] = name
    return found


def _chosen(language: str, count: int | None, *, has_task: bool) -> Sequence[Wording]:
    """Return the wordings to use."""
    there = load_wordings(language)
    wordings = there.with_task if has_task else there.without_task
    if count and count > len(wordings):
        hint = f"give a number up to {len(wordings)}; --instances makes them longer"
        raise InputError(f"--tasks {count}: there are {len(wordings)} wordings", hint=hint)
    return wordings[:count]


def _notes(found: Labelled, texts: Mapping[str, Sequence[str]], draw: Draw, tasks: int) -> None:
    """Say what was left out, how many texts each label has, and where they are too few."""
    for why, count in found.left_out.items():
        _say(f"note: rows left out, {why}: {count:,}")
    by_label = [f"{name} {len(those):,}" for name, those in texts.items()]
    more = f", and {len(by_label) - _LISTED} more labels" if len(by_label) > _LISTED else ""
    _say(f"texts by label: {', '.join(by_label[:_LISTED])}{more}")
    if draw.instances < len(texts):
        _say(
            f"note: {draw.instances} instances cannot show all {len(texts)} labels in every task; "
            f"--instances {len(texts)} can"
        )
    shares = [draw.shares(list(texts), number) for number in range(tasks)]
    for name, those in texts.items():
        needed = sum(share[name] for share in shares)
        if len(those) == 1:
            _say(f"note: only one row has the label {name!r}; every task shows the same")
        elif len(those) < needed:
            _say(
                f"note: {name!r} has {len(those):,} texts where {needed:,} are needed: some are in "
                "several tasks; --tasks or --instances asks for fewer"
            )


def _say(text: str) -> None:
    click.echo(visible(text), err=True)
