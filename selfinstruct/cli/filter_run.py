"""`selfinstruct filter RUN`: a run is judged anew, and compared with what it was.

Decides: which model may be asked, where the new run goes, and how changes are told. Does not
know: how a run is judged.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import click
from msgspec import structs

from selfinstruct import __version__
from selfinstruct.cli.opened import Engines, check_scores, open_judge
from selfinstruct.cli.progress import Bars
from selfinstruct.engines import Given, open_engine
from selfinstruct.errors import InputError, RunError
from selfinstruct.prompts.files import JUDGED, load_prompts
from selfinstruct.recipe import Recipe
from selfinstruct.resift import Change, Recording, changes, resift
from selfinstruct.run import Run, require_run
from selfinstruct.settings import Settings, thawed
from selfinstruct.stages.base import Unwatched
from selfinstruct.storage import read_rows, replace_file
from selfinstruct.task import Task, to_json
from selfinstruct.visible import visible


class FilterRun(NamedTuple):
    """What was asked for on the command line."""

    source: Path
    recipe: Recipe
    out: Path | None
    engine: str
    engine_args: tuple[str, ...]
    samples: int
    quiet: bool


def filter_run(how: FilterRun) -> None:
    """Judge a run anew; write it where `out` says, and tell what changed."""
    recorded = read_recorded(how.source)
    if how.out and how.out.resolve() == how.source.resolve():
        hint = "give a new folder with --out"
        raise InputError(f"--out {how.out} is the run itself", hint=hint)
    with ExitStack() as stack:
        engines = stack.enter_context(_engines(how, recorded))
        settings = _settings(recorded, how.recipe, engines)
        folder = how.out or Path(stack.enter_context(TemporaryDirectory())) / "run"
        run = stack.enter_context(Run(folder, settings, version=__version__, source=how.source))
        watch = Unwatched() if how.quiet else Bars()
        sifted = resift(
            Recording(how.source, recorded),
            run,
            engine=engines.model,
            judge=engines.judge,
            watch=watch,
        )
        for _ in sifted:
            pass
        watch.close()
        found = list(changes(how.source, folder))
        if how.out:
            replace_file(folder / "changes.jsonl", [to_json(one) + b"\n" for one in found])
        if not how.quiet:
            _tell(how, recorded, run, found)


def read_recorded(folder: Path) -> Settings:
    """Return the settings a run was played by; raise RunError where they cannot be read."""
    tree = require_run(folder)
    try:
        return thawed(tree, tuple(read_rows(folder / "seeds.jsonl", Task)))
    except ValueError as error:
        version = tree.get("versions", {}).get("selfinstruct", "another version")
        hint = f"it was written by selfinstruct {version}: use that version"
        raise RunError(f"{folder}/run.toml: {error}", hint=hint) from error


@contextmanager
def _engines(how: FilterRun, recorded: Settings) -> Iterator[Engines]:
    """Open the run's model and the recipe's judge, if the user wants to pay for answers."""
    if not how.engine:
        yield Engines(None, None)
        return
    given = Given(how.engine_args, quiet=how.quiet)
    with open_engine(how.engine, given) as model, open_judge(how.recipe, given) as judge:
        if model.info.model != recorded.engine.model:
            message = f"{how.source} was grown by {recorded.engine.model}, not {model.info.model}"
            raise InputError(message, hint="give the same model: its answers are to be its own")
        check_scores(how.recipe, model)
        yield Engines(model, judge)


def _settings(recorded: Settings, recipe: Recipe, engines: Engines) -> Settings:
    """Return the settings of the new run: those of the old one, but for the recipe."""
    if recipe.language != recorded.language:
        message = f"the recipe {recipe.name!r} is for {recipe.language!r}"
        hint = "give one for that language, by name or as a file (--recipe)"
        raise InputError(f"{message}; the run is in {recorded.language!r}", hint=hint)
    prompts = recorded.prompts
    if recipe.judge and "judge" not in prompts.texts:
        texts = load_prompts(recorded.language, more=JUDGED).texts
        prompts = structs.replace(prompts, texts=prompts.texts | {"judge": texts["judge"]})
    judge = engines.judge.info if engines.judge else recorded.judge if recipe.judge else None
    return structs.replace(recorded, recipe=recipe, prompts=prompts, judge=judge)


def _tell(how: FilterRun, recorded: Settings, run: Run, found: list[Change]) -> None:
    """Print how many tasks there were and are, and what became of the others."""
    proposed = sum(marker.proposed for marker in run.markers)
    before = len(run.grown) + sum((one.before == "kept") - (one.after == "kept") for one in found)
    click.echo(f"{recorded.recipe.name}: {before} of {proposed} tasks kept")
    click.echo(f"{how.recipe.name}: {len(run.grown)} of {proposed} tasks kept")
    fates = Counter((one.before, one.after) for one in found)
    for (was, now), count in sorted(fates.items(), key=lambda item: (-item[1], item[0])):
        click.echo(f"{count:8}  {was} -> {now}")
        alike = [one for one in found if (one.before, one.after) == (was, now)]
        for one in alike[: how.samples]:
            click.echo(f"          {one.id}  {visible(one.instruction)[:160]}")
    if not found:
        click.echo("no task has another fate")
    if how.out:
        click.echo(f"wrote {how.out} (changes.jsonl has all {len(found)} changes)")
