"""`selfinstruct prefer`: several responses to each task, ranked, in pairs.

Decides: which engines are opened, and what is printed. Does not know: how responses are ranked.
"""

import shlex
import sys
from contextlib import ExitStack
from pathlib import Path

import click
from msgspec import structs

from selfinstruct import __version__
from selfinstruct.cli.filter_run import read_recorded
from selfinstruct.cli.progress import Bars
from selfinstruct.engines import DEFAULT_ENGINE, Given, open_engine
from selfinstruct.preferences.pairs import FILE
from selfinstruct.preferences.step import Engines, PreferSettings
from selfinstruct.preferences.step import prefer as prefer_run
from selfinstruct.prompts.files import JUDGED, load_prompts
from selfinstruct.run import Run, require_run
from selfinstruct.stages.base import Unwatched, Watch


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option(
    "--engine", default=DEFAULT_ENGINE, show_default=True, help="Model that writes: KIND:MODEL."
)
@click.option(
    "--engine-arg", "engine_args", multiple=True, metavar="KEY=VALUE", help="Of that engine."
)
@click.option("--judge", default="", help="Model that ranks: KIND:MODEL.  [default: the engine]")
@click.option(
    "--votes",
    default=1,
    show_default=True,
    type=click.IntRange(0, 99),
    help="Asked of the judge for each response; 0: the rules alone rank.",
)
@click.option(
    "--responses",
    default=3,
    show_default=True,
    type=click.IntRange(1, 64),
    help="Sampled for each task, beside its own.",
)
@click.option(
    "--temperature",
    default=1.0,
    show_default=True,
    type=click.FloatRange(0.01, 10),
    help="Of them.",
)
@click.option(
    "--min-gap",
    default=1.0,
    show_default=True,
    type=click.FloatRange(0, 4),
    help="Between the scores of a pair, 1 to 5.",
)
@click.option(
    "--prompts", type=click.Path(path_type=Path), help="Folder of texts that replace ours."
)
@click.option("--quiet", is_flag=True, help="Print nothing but errors.")
def prefer(
    *,
    run: Path,
    engine: str,
    engine_args: tuple[str, ...],
    judge: str,
    votes: int,
    responses: int,
    temperature: float,
    min_gap: float,
    prompts: Path | None,
    quiet: bool,
) -> None:
    """Answer the tasks of a run folder RUN several times, and pair a better with a worse response.

    What the run's recipe refuses is worse than what it keeps; among these a judge decides. Pairs
    go to preferences.jsonl; `export --format preference` writes them for DPO and reward models.
    Kill it at any time: the same command goes on where it stopped.
    """
    require_run(run)
    settings = read_recorded(run)
    texts = load_prompts(settings.language, prompts, more=JUDGED)
    sampling = structs.replace(
        settings.recipe.instances.respond_sampling, temperature=temperature, top_p=0.95
    )
    how = PreferSettings(responses, sampling, votes, min_gap)
    watch: Watch = Unwatched() if quiet else Bars()
    with ExitStack() as stack:
        model = stack.enter_context(open_engine(engine, Given(engine_args, quiet=quiet)))
        other = stack.enter_context(open_engine(judge, Given(quiet=quiet))) if judge else model
        opened = stack.enter_context(Run(run, settings, version=__version__))
        try:
            found = prefer_run(opened, Engines(model, other), how, texts, watch)
        except KeyboardInterrupt:
            watch.close()
            command = shlex.join(["selfinstruct", *sys.argv[1:]])
            say = "stopped in sampling responses; every completion is kept."
            click.echo(f"\n{say}\nresume: {command}", err=True)
            raise
        finally:
            watch.close()
    if not quiet:
        click.echo(
            f"preferences: {found.pairs} pairs of {found.tasks} tasks; {found.responses} responses "
            f"sampled, {found.refused} refused by rules"
        )
        click.echo(f"wrote {run / FILE}")
