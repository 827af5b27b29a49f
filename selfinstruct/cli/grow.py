"""`selfinstruct grow`: options and configuration in, a run folder and its exports out.

Decides: defaults, what is printed, and what a stop says. Does not know: what a round does.
"""

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
from msgspec import structs

from selfinstruct import __version__
from selfinstruct.cli.augment import AugmentStep, augmented
from selfinstruct.cli.closing import closing, write_exports
from selfinstruct.cli.config import read_config
from selfinstruct.cli.opened import check_scores, open_judge
from selfinstruct.cli.progress import Bars, JsonLog
from selfinstruct.cli.steering import check_reached, closing_lines, quotas, steering_from
from selfinstruct.engines import DEFAULT_ENGINE, Engine, Given, open_engine
from selfinstruct.errors import InputError
from selfinstruct.export import known_formats
from selfinstruct.grow import End
from selfinstruct.grow import grow as play_rounds
from selfinstruct.prompts.files import AUGMENTED, JUDGED, STEERED, load_prompts
from selfinstruct.recipe import Recipe, load_recipe
from selfinstruct.resources import seeds_file
from selfinstruct.run import Run, begun_licence, seconds_by_round
from selfinstruct.seeds import load_seeds
from selfinstruct.settings import Settings
from selfinstruct.stages.base import Unwatched, Watch
from selfinstruct.task import Task

if TYPE_CHECKING:
    from selfinstruct.cli.grow_publish import Publishing

DEFAULT_ROUNDS = 5
SEEDS_LICENCE = "Apache-2.0"
"""Of the seed tasks that ship with the program."""


def _formats(ctx: click.Context, param: click.Parameter, value: str) -> tuple[str, ...]:  # noqa: ARG001
    """Split and check a list of export formats."""
    return known_formats(value.split(","))


@click.command()
@click.option(
    "--rounds",
    type=click.IntRange(min=0),
    help=f"Rounds the run shall have in all.  [default: {DEFAULT_ROUNDS}]",
)
@click.option(
    "--target",
    type=click.IntRange(min=1),
    help="Stop after the round that reaches this many grown tasks.",
)
@click.option(
    "--out",
    default="runs/grow",
    show_default=True,
    type=click.Path(path_type=Path),
    help="Run folder; an unfinished run there is resumed.",
)
@click.option(
    "--engine", default=DEFAULT_ENGINE, show_default=True, help="Model that writes: KIND:MODEL."
)
@click.option(
    "--engine-arg",
    "engine_args",
    multiple=True,
    metavar="KEY=VALUE",
    help="Argument of the engine, such as context=4096; may be given more than once.",
)
@click.option(
    "--trust-remote-code", is_flag=True, help="Let code that comes with the model run here."
)
@click.option("--model-licence", default="", help="Licence of the model, where it is not known.")
@click.option(
    "--seeds",
    type=click.Path(path_type=Path),
    help="Seed tasks (JSONL).  [default: those that ship for the language]",
)
@click.option("--seeds-licence", default="", help="Licence of your seeds, recorded with each.")
@click.option("--language", default="en", show_default=True, help="Language of seeds and prompts.")
@click.option(
    "--recipe", default="default", show_default=True, help="Recipe by name, or a TOML file."
)
@click.option(
    "--prompts", type=click.Path(path_type=Path), help="Folder of texts that replace ours."
)
@click.option(
    "--topics",
    type=click.Path(path_type=Path),
    help="What tasks are to be about: a topic a line, a quota after a tab.",
)
@click.option(
    "--generate-topics",
    default=0,
    type=click.IntRange(min=0, max=10_000),
    metavar="N",
    help="Have the model write N topics first.  [default: none]",
)
@click.option(
    "--stop-when-novelty-below",
    "min_novelty",
    default=0.0,
    type=click.FloatRange(0, 1),
    metavar="SHARE",
    help="Stop after a round of whose drafts a smaller share was new (0 to 1).  [default: never]",
)
@click.option("--seed", default=42, show_default=True, type=int, help="Seed of all random choices.")
@click.option(
    "--prompts-per-round",
    default=40,
    show_default=True,
    type=click.IntRange(min=1),
    help="Proposals asked for in a round.",
)
@click.option(
    "--max-tokens-per-round",
    default=0,
    type=click.IntRange(min=0),
    help="Bound on generated tokens a round.  [default: none]",
)
@click.option(
    "--export",
    "exports",
    default="flan,alpaca",
    show_default=True,
    callback=_formats,
    help="Formats to end with.",
)
@click.option(
    "--no-augment", is_flag=True, help="Leave out augmentation (paraphrase, back-translation)."
)
@click.option(
    "--translator",
    default="",
    help="Translation model of augmentation: marian:… or nllb:….  [default: the engine]",
)
@click.option("--no-export", is_flag=True, help="Leave out the exports.")
@click.option(
    "--publish", default="", metavar="ORG/NAME", help="End with a release of the run on a Hub."
)
@click.option("--publish-tag", default="", help="Tag of that release, such as v1.")
@click.option("--endpoint", default="", help="Of that Hub, as in `publish`.")
@click.option("--token-env", default="", metavar="NAME", help="For that Hub, as in `publish`.")
@click.option(
    "--fork", type=click.Path(path_type=Path), help="Begin with the finished rounds of this run."
)
@click.option(
    "--config",
    is_eager=True,
    expose_value=False,
    callback=read_config,
    help="TOML file with any of these settings; flags win.",
)
@click.option("--quiet", is_flag=True, help="Print nothing but errors.")
@click.option(
    "--log-json", is_flag=True, help="Print one JSON object a line instead of bars and tables."
)
def grow(
    *,
    rounds: int | None,
    target: int | None,
    out: Path,
    engine: str,
    engine_args: tuple[str, ...],
    trust_remote_code: bool,
    model_licence: str,
    seeds: Path | None,
    seeds_licence: str,
    language: str,
    recipe: str,
    prompts: Path | None,
    topics: Path | None,
    generate_topics: int,
    min_novelty: float,
    seed: int,
    prompts_per_round: int,
    max_tokens_per_round: int,
    exports: tuple[str, ...],
    no_augment: bool,
    translator: str,
    no_export: bool,
    publish: str,
    publish_tag: str,
    endpoint: str,
    token_env: str,
    fork: Path | None,
    quiet: bool,
    log_json: bool,
) -> None:
    """Grow a dataset: play rounds, then export.

    Kill it at any time: the same command goes on where it stopped.
    """
    publishing = _publishing(publish, publish_tag, endpoint, token_env)
    steering = steering_from(topics, generate_topics)
    chosen = load_recipe(recipe)
    more = (*(STEERED if steering else ()), *(JUDGED if chosen.judge else ()))
    texts = load_prompts(language, prompts, more=more)
    _same_language(chosen, language)
    step = None
    if chosen.augment and not no_augment:
        step = AugmentStep(load_prompts(language, prompts, more=AUGMENTED), translator)
    seeds_path, tasks = _seeds(seeds, seeds_licence, language)
    given = Given(engine_args, trust_remote_code=trust_remote_code, quiet=quiet)
    licence = model_licence or begun_licence(out)
    with open_engine(engine, given) as model, open_judge(chosen, given) as judge:
        check_scores(chosen, model)
        settings = Settings(
            seeds_name=seeds_path.name,
            seeds=tuple(tasks),
            recipe=chosen,
            prompts=texts,
            engine=model.info if licence is None else structs.replace(model.info, licence=licence),
            language=language,
            seed=seed,
            prompts_per_round=prompts_per_round,
            max_tokens_per_round=max_tokens_per_round,
            steering=steering,
            judge=judge.info if judge else None,
        )
        goal = target or quotas(steering)
        wanted = rounds if rounds is not None else None if goal else DEFAULT_ROUNDS
        watch: Watch = Unwatched() if quiet else JsonLog() if log_json else Bars()
        with Run(out, settings, version=__version__, fork=fork) as run:
            end = End(wanted, target or 0, min_novelty)
            _play(run, model, judge, end, watch)
            lines = closing_lines(run, min_novelty)
            if step:
                lines += augmented(run, model, step, watch)
            written = {} if no_export else write_exports(out, exports, augmented=bool(step))
            if log_json and isinstance(watch, JsonLog):
                watch.end(run.markers, seconds_by_round(out), written)
            elif not quiet:
                closing(out, run, wanted, written, lines)
            check_reached(run, end, goal)
    if publishing:
        publishing.publish(out, quiet=quiet, as_json=log_json)


def _publishing(repo: str, tag: str, endpoint: str, token_env: str) -> "Publishing | None":
    """Check what the options of publishing say, before a round is played."""
    if not repo:
        if tag or endpoint or token_env:
            message = "--publish-tag, --endpoint and --token-env are for --publish"
            raise InputError(message, hint="name the repository: --publish ORG/NAME")
        return None
    from selfinstruct.cli.grow_publish import Publishing  # noqa: PLC0415 (an extra)

    return Publishing(repo, tag, endpoint, token_env)


def _same_language(recipe: Recipe, language: str) -> None:
    """Raise InputError for a recipe that is for another language."""
    if recipe.language != language:
        message = f"the recipe {recipe.name!r} is for {recipe.language!r}, not {language!r}"
        raise InputError(message, hint="give one for it (--recipe FILE.toml), or see --language")


def _seeds(given: Path | None, licence: str, language: str) -> tuple[Path, list[Task]]:
    """Read the seed tasks that were given, or those that ship for a language."""
    if licence and not given:
        hint = f"those that ship are {SEEDS_LICENCE}"
        raise InputError("--seeds-licence is for seeds of your own (--seeds)", hint=hint)
    path = given or seeds_file(language)
    return path, load_seeds(path, language=language, licence=licence if given else SEEDS_LICENCE)


def _play(run: Run, model: Engine, judge: Engine | None, end: End, watch: Watch) -> None:
    """Play rounds; a stop says where it was and how to go on."""
    if isinstance(watch, Bars):
        watch.begin(run)
    before = len(run.markers)
    try:
        for marker in play_rounds(run, model, end, watch=watch, judge=judge):
            watch.finished(marker)
        if isinstance(watch, Bars) and len(run.markers) == before:
            watch.nothing_to_do(run)
    except KeyboardInterrupt:
        watch.close()
        done = len(run.markers)
        command = shlex.join(["selfinstruct", *sys.argv[1:]])
        click.echo(
            f"\nstopped in round {done + 1}; {done} rounds are finished and every completion so "
            f"far is kept.\nresume: {command}",
            err=True,
        )
        raise
    finally:
        watch.close()
