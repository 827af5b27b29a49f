"""`selfinstruct augment`: the tasks of a run in other words.

Decides: which recipe says how, which engines are opened, and what is printed. Does not know: how
wordings come about, or which are kept.
"""

import shlex
import sys
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import NamedTuple

import click
from msgspec import structs

from selfinstruct import __version__
from selfinstruct.augment.step import Augmented, Helpers
from selfinstruct.augment.step import augment as augment_run
from selfinstruct.augment.translating import Translating
from selfinstruct.cli.filter_run import read_recorded
from selfinstruct.cli.progress import Bars
from selfinstruct.engines import DEFAULT_ENGINE, Engine, Given, open_engine
from selfinstruct.engines.translators import open_translator
from selfinstruct.errors import InputError
from selfinstruct.prompts import Prompts
from selfinstruct.prompts.files import AUGMENTED, load_prompts
from selfinstruct.recipe import load_recipe
from selfinstruct.run import Run, require_run
from selfinstruct.settings import Settings
from selfinstruct.stages.base import Unwatched, Watch


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option(
    "--engine", default=DEFAULT_ENGINE, show_default=True, help="Model that writes: KIND:MODEL."
)
@click.option(
    "--engine-arg", "engine_args", multiple=True, metavar="KEY=VALUE", help="Of that engine."
)
@click.option(
    "--translator",
    default="",
    help="Translation model: marian:NAME-{source}-{target} or nllb:NAME.  [default: the engine]",
)
@click.option(
    "--recipe", default="", help="Whose [augment] to take, by name or file.  [default: the run's]"
)
@click.option(
    "--prompts", type=click.Path(path_type=Path), help="Folder of texts that replace ours."
)
@click.option("--quiet", is_flag=True, help="Print nothing but errors.")
def augment(
    *,
    run: Path,
    engine: str,
    engine_args: tuple[str, ...],
    translator: str,
    recipe: str,
    prompts: Path | None,
    quiet: bool,
) -> None:
    """Say the tasks of a run folder RUN in other words, and keep what means the same.

    Paraphrases and back-translations go to augmented.jsonl, and with the tasks into the exports.
    Kill it at any time: the same command goes on where it stopped.
    """
    require_run(run)
    settings = _settings(run, recipe)
    step = AugmentStep(load_prompts(settings.language, prompts, more=AUGMENTED), translator)
    watch: Watch = Unwatched() if quiet else Bars()
    with (
        open_engine(engine, Given(engine_args, quiet=quiet)) as model,
        Run(run, read_recorded(run), version=__version__) as opened,
    ):
        opened.settings = structs.replace(settings, engine=model.info)
        lines = augmented(opened, model, step, watch)
    if not quiet:
        click.echo("\n".join(lines))
        click.echo(f"wrote {run / 'augmented.jsonl'}")


class AugmentStep(NamedTuple):
    """How the step is taken: by which texts, and by which translation model, if any."""

    prompts: Prompts
    translator: str


def augmented(run: Run, model: Engine, step: AugmentStep, watch: Watch) -> list[str]:
    """Augment a run, and say what it came to."""
    quiet = isinstance(watch, Unwatched)
    try:
        with open_translating(step.translator, quiet=quiet) as translator:
            found = augment_run(run, Helpers(model, translator), step.prompts, watch)
    except KeyboardInterrupt:
        watch.close()
        command = shlex.join(["selfinstruct", *sys.argv[1:]])
        click.echo(
            f"\nstopped in augmentation; every completion is kept.\nresume: {command}", err=True
        )
        raise
    finally:
        watch.close()
    return [summary(found)]


def _settings(run: Path, recipe: str) -> Settings:
    """Return the settings of a run, with [augment] of another recipe if one is named."""
    recorded = read_recorded(run)
    if not recipe:
        return recorded
    how = load_recipe(recipe).augment
    if how is None:
        hint = "give one that has, such as --recipe default"
        raise InputError(f"the recipe {recipe!r} has no [augment]", hint=hint)
    return structs.replace(recorded, recipe=structs.replace(recorded.recipe, augment=how))


def open_translating(spec: str, *, quiet: bool) -> AbstractContextManager[Engine | None]:
    """Open a translation model, if one is named."""
    if not spec:
        return nullcontext()
    return Translating(open_translator(spec, Given(quiet=quiet)))


def summary(found: Augmented) -> str:
    """Return a line on what augmentation came to."""
    reasons = sorted(found.rejected.items(), key=lambda item: (-item[1], item[0]))
    names = ", ".join(f"{name} {count}" for name, count in reasons) or "none"
    return f"augmented: {found.accepted} of {found.asked} wordings kept; rejected: {names}"
