"""`selfinstruct show`: a run's counts, samples and rejects, for a person to read.

Model output is shown with its control characters escaped: it is not trusted to leave a terminal
alone.
"""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import click

from selfinstruct.cli.progress import closing_table
from selfinstruct.errors import InputError, unknown_name
from selfinstruct.pool import slot_random
from selfinstruct.run import finished_rows, read_markers, require_run, seconds_by_round
from selfinstruct.sift import Rejected
from selfinstruct.storage import read_rows
from selfinstruct.task import Task
from selfinstruct.visible import visible

WIDTH = 400
"""Characters of a text that a sample shows; `--task` shows all."""

SHOWN = 24
"""Topics that are counted by name, those with the most tasks first."""


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option(
    "--samples",
    default=5,
    show_default=True,
    type=click.IntRange(min=0),
    help="Grown tasks to show.",
)
@click.option("--seed", default=0, help="Another seed, other samples.")
@click.option("--rejected", "rule", help="Show rejects of this reason instead (all: of any).")
@click.option("--task", "wanted", help="Show one task, whole, by its id.")
def show(run: Path, samples: int, seed: int, rule: str | None, wanted: str | None) -> None:
    """Show a run folder RUN: counts, samples, rejects by reason."""
    frozen = require_run(run)
    if wanted:
        _show_task(run, wanted)
        return
    markers = read_markers(run)
    if rule:
        _show_rejected(run, rule, samples, seed)
        return
    grown = list(finished_rows(run, "pool", Task))
    fingerprint = frozen.get("fingerprint", {})
    for name in ("model", "recipe", "seeds"):
        value = str(fingerprint.get(name, ""))
        # Seeds and recipe end with a digest, a model with its revision, if it has one.
        click.echo(f"{name + ':':<8} {visible(value.rpartition(' ')[0] or value)}")
    classes = sum(bool(task.is_classification) for task in grown)
    with_input = sum(any(one.input for one in task.instances) for task in grown)
    click.echo(
        f"tasks:   {len(grown)} grown ({classes} classification, {with_input} with input), "
        f"{sum(marker.proposed for marker in markers)} proposed in {len(markers)} rounds\n"
    )
    if topics := Counter(task.category for task in grown if task.category):
        cells = [f"{visible(name)} {count}" for name, count in topics.most_common(SHOWN)]
        rest = [f"and {len(topics) - SHOWN} more"] if len(topics) > SHOWN else []
        click.echo(f"topics:  {', '.join([*cells, *rest])}\n")
    click.echo(closing_table(markers, seconds_by_round(run)))
    chosen = slot_random(seed, "show").sample(grown, min(samples, len(grown)))
    for task in chosen:
        click.echo(f"\n--- {task.id}  round {task.origin.round}")
        _show_texts(task, WIDTH)
    if grown:
        click.echo(f"\nOne task with its origin:  selfinstruct show {run} --task {grown[0].id}")
    click.echo(f"Why others were refused:   selfinstruct show {run} --rejected all")


def _show_rejected(run: Path, rule: str, samples: int, seed: int) -> None:
    """Show how often each rule refused, and some of what one refused."""
    refused = list(finished_rows(run, "rejected", Rejected))
    counts = Counter(row.rule for row in refused)
    if rule != "all" and rule not in counts:
        raise unknown_name("reason", rule, ["all", *counts])
    for name, count in counts.most_common():
        click.echo(f"{count:6}  {name}")
    fitting = [row for row in refused if rule in ("all", row.rule)]
    for row in slot_random(seed, "show").sample(fitting, min(samples, len(fitting))):
        click.echo(f"\n--- {row.task.id}  {row.stage}: {row.rule}: {visible(row.detail)}")
        if row.nearest:
            click.echo(f"nearest:     {row.nearest.id} ({row.nearest.score:.3f})")
        _show_texts(row.task, WIDTH)


def _show_task(run: Path, wanted: str) -> None:
    """Show everything about one task: seed, grown or refused."""
    for task in _known_tasks(run):
        if task.id == wanted:
            _show_texts(task, 0)
            _show_origin(task)
            return
    for row in finished_rows(run, "rejected", Rejected):
        if row.task.id == wanted:
            click.echo(f"rejected:    {row.stage}: {row.rule}: {visible(row.detail)}")
            _show_texts(row.task, 0)
            _show_origin(row.task)
            return
    hint = f"ids are listed by: selfinstruct show {run}"
    raise InputError(f"there is no task {wanted!r} in {run}", hint=hint)


def _known_tasks(run: Path) -> Iterator[Task]:
    """Yield every task that can be a parent: grown, seeds, and seeds from before a fork."""
    yield from finished_rows(run, "pool", Task)
    yield from read_rows(run / "seeds.jsonl", Task)
    yield from read_rows(run / "ancestors.jsonl", Task)


def _show_texts(task: Task, width: int) -> None:
    """Print instruction, input and output."""
    click.echo(f"instruction: {_cut(task.instruction, width)}")
    for instance in task.instances:
        if instance.input:
            click.echo(f"input:       {_cut(instance.input, width)}")
        click.echo(f"output:      {_cut(instance.output, width)}")


def _show_origin(task: Task) -> None:
    """Print where a task came from."""
    for name in type(task.origin).__struct_fields__:
        if value := getattr(task.origin, name):
            text = ", ".join(value) if isinstance(value, tuple) else str(value)
            click.echo(f"{name + ':':<12} {visible(text)}")


def _cut(text: str, width: int) -> str:
    """Make a text fit for a terminal: indented, escaped, and cut if `width` is not 0."""
    shown = visible(text if not width or len(text) <= width else text[:width] + "\u2026")
    return shown.replace("\n", "\n             ")
