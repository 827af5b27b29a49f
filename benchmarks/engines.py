r"""The benchmark of the loop around an engine: is the engine kept busy, and what does ours cost?

`busy` grows with an engine and then gives the very same prompts to the same engine at once: the
share of its tokens a second that `grow` reaches, with stages that overlap and with stages that
wait for one another (as a budget makes them). It also says which share of the prompts' tokens
came from the engine's prefix cache, by stage; `cache` says that alone. `overhead` grows with an
engine that answers in no time. Each merges its numbers into `results/engines.json`; `table`
writes `engines.md`:

    python benchmarks/engines.py busy --engine llamacpp:smollm2-135m --prompts-per-round 160
    python benchmarks/engines.py busy --engine vllm:DIR --engine-arg max_num_seqs=16 ...
    python benchmarks/engines.py overhead --tasks 1000,100000
    python benchmarks/engines.py table
"""

import json
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from random import Random
from typing import Any, Self

import click
import msgspec
from measure import machine

from selfinstruct.cli.progress import Tally
from selfinstruct.engines import (
    Completion,
    Engine,
    EngineInfo,
    Given,
    Prompt,
    ScriptedEngine,
    open_engine,
)
from selfinstruct.grow import End, grow
from selfinstruct.journal import stage_of
from selfinstruct.prompts.files import load_prompts
from selfinstruct.recipe import Recipe, load_recipe
from selfinstruct.resources import seeds_file
from selfinstruct.run import Run
from selfinstruct.seeds import load_seeds
from selfinstruct.settings import Settings

RESULTS = Path(__file__).parent / "results" / "engines.json"
NO_BUDGET = 10**9
"""A budget that nothing reaches: it only makes stages wait for one another."""


class Recorded:
    """An engine that writes down what it was asked and how long it took, from the first prompt."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.prompts: list[Prompt] = []
        self.stages: dict[str, Tally] = {}
        self.began = self.ended = 0.0

    @property
    def info(self) -> EngineInfo:
        """Be the same model."""
        return self._engine.info

    def complete(self, prompts: Iterable[Prompt | None]) -> Iterator[Completion]:
        """Pass prompts and completions on."""
        for completion in self._engine.complete(self._noted(prompts)):
            self.ended = time.perf_counter()
            self.stages[stage_of(completion.key)].add(completion, fresh=True)
            yield completion

    def _noted(self, prompts: Iterable[Prompt | None]) -> Iterator[Prompt | None]:
        for prompt in prompts:
            if prompt is not None:
                self.began = self.began or time.perf_counter()
                self.prompts.append(prompt)
                self.stages.setdefault(stage_of(prompt.key), Tally()).prompts += 1
            yield prompt

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        """Leave the engine to who opened it."""

    @property
    def tokens(self) -> int:
        """Return how many tokens were written."""
        return sum(tally.completion_tokens for tally in self.stages.values())

    def speed(self, seconds: float | None = None) -> float:
        """Return tokens written a second."""
        return self.tokens / (seconds or self.ended - self.began)


def settings(engine: Engine, recipe: Recipe, prompts_per_round: int, budget: int = 0) -> Settings:
    """Return the settings of a run on the seeds that ship."""
    return Settings(
        seeds_name="en.jsonl",
        seeds=tuple(load_seeds(seeds_file("en"), language="en")),
        recipe=recipe,
        prompts=load_prompts("en"),
        engine=engine.info,
        language="en",
        prompts_per_round=prompts_per_round,
        max_tokens_per_round=budget,
    )


def chosen_recipe(name: str, style: str, share: int) -> Recipe:
    """Return a recipe with another style of instances, or another share of examples."""
    recipe = load_recipe(name)
    if style:
        changed = msgspec.structs.replace(recipe.instances, style=style)
        recipe = msgspec.structs.replace(recipe, instances=changed)
    if share:
        shared = msgspec.structs.replace(recipe.propose, share=share)
        recipe = msgspec.structs.replace(recipe, propose=shared)
    return recipe


@click.group()
def main() -> None:
    """Measure the loop around an engine."""


def _command() -> str:
    """Return the command line, of each path only the last part."""
    words = [word.split("/")[-1] if "/" in word else word for word in sys.argv[1:]]
    return " ".join(["python benchmarks/engines.py", *words])


@main.command()
@click.option("--name", required=True, help="What the results are kept under.")
@click.option("--engine", required=True)
@click.option("--engine-arg", "engine_args", multiple=True)
@click.option("--recipe", default="default", show_default=True)
@click.option("--style", default="", help="Style of instances, instead of the recipe's.")
@click.option("--share", default=0, help="Slots that share examples, instead of the recipe's.")
@click.option("--rounds", default=2, show_default=True)
@click.option("--prompts-per-round", default=160, show_default=True)
@click.option("--times", default=3, show_default=True, help="Measurements that take turns.")
def busy(
    *,
    name: str,
    engine: str,
    engine_args: tuple[str, ...],
    recipe: str,
    style: str,
    share: int,
    rounds: int,
    prompts_per_round: int,
    times: int,
) -> None:
    """Tokens a second of grow, as a share of the same prompts given at once."""
    chosen = chosen_recipe(recipe, style, share)
    shares: dict[str, list[float]] = {"overlapping": [], "waiting": []}
    speeds: dict[str, list[float]] = {"overlapping": [], "waiting": [], "at once": []}
    stages: dict[str, Any] = {}
    given = Given(engine_args, quiet=True)
    for _ in range(times):
        asked: list[Prompt] = []
        for how, budget in (("overlapping", 0), ("waiting", NO_BUDGET)):
            # Opened anew each time, so that no prompt is known to its cache from before.
            with open_engine(engine, given) as opened:
                watched, seconds = grown(opened, chosen, prompts_per_round, budget, rounds)
            speeds[how].append(watched.speed(seconds))
            if how == "overlapping":
                asked = watched.prompts
                stages = {stage: msgspec.to_builtins(t) for stage, t in watched.stages.items()}
        with open_engine(engine, given) as opened:
            watched = Recorded(opened)
            for _completion in watched.complete(asked):
                pass
        speeds["at once"].append(watched.speed())
        for how, found in shares.items():
            found.append(speeds[how][-1] / speeds["at once"][-1])
        click.echo({how: round(found[-1], 3) for how, found in shares.items()})
    save(
        "busy",
        name,
        {
            "command": _command(),
            "machine": machine(),
            "engine": opened.info.model,
            "arguments": list(engine_args),
            "rounds": rounds,
            "prompts_per_round": prompts_per_round,
            "share": {how: statistics.median(found) for how, found in shares.items()},
            "shares": shares,
            "tokens_per_second": speeds,
            "stages": stages,
        },
    )


def grown(
    engine: Engine, recipe: Recipe, prompts_per_round: int, budget: int, rounds: int
) -> tuple[Recorded, float]:
    """Grow, and return what was asked and the seconds it took."""
    watched, seconds = Recorded(engine), 0.0
    with tempfile.TemporaryDirectory() as folder:
        how = settings(engine, recipe, prompts_per_round, budget)
        with Run(Path(folder), how, version="benchmark") as run:
            began = time.perf_counter()
            for _marker in grow(run, watched, End(rounds=rounds)):
                seconds = time.perf_counter() - began
    return watched, seconds


@main.command()
@click.option("--name", required=True, help="What the results are kept under.")
@click.option("--engine", required=True)
@click.option("--engine-arg", "engine_args", multiple=True)
@click.option("--style", default="", help="Style of instances, instead of the recipe's.")
@click.option("--share", default=0, help="Slots that share examples, instead of the recipe's.")
@click.option("--prompts-per-round", default=32, show_default=True)
def cache(
    *,
    name: str,
    engine: str,
    engine_args: tuple[str, ...],
    style: str,
    share: int,
    prompts_per_round: int,
) -> None:
    """Which share of the prompts comes from the prefix cache, in one round."""
    with open_engine(engine, Given(engine_args, quiet=True)) as opened:
        watched, _ = grown(opened, chosen_recipe("default", style, share), prompts_per_round, 0, 1)
    stages = {stage: msgspec.to_builtins(tally) for stage, tally in watched.stages.items()}
    save("cache", name, {"command": _command(), "machine": machine(), "stages": stages})


@main.command()
@click.option("--tasks", default="1000,100000", show_default=True)
@click.option("--prompts-per-round", default=1000, show_default=True)
def overhead(tasks: str, prompts_per_round: int) -> None:
    """Seconds of ours per accepted task, with an engine that answers in no time."""
    for count in map(int, tasks.split(",")):
        folder = Path(tempfile.mkdtemp())
        engine = Instant()
        how = settings(engine, load_recipe("default"), min(prompts_per_round, count))
        wall, cpu = time.perf_counter(), time.process_time()
        with Run(folder, how, version="benchmark") as run:
            for marker in grow(run, engine, End(rounds=None, target=count)):
                engine.prompts.clear()
                click.echo(f"round {marker.round}: {len(run.grown)}", err=True)
            grown = len(run.grown)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        shutil.rmtree(folder)
        found = {
            "command": _command(),
            "machine": machine(),
            "tasks": grown,
            "prompts_per_round": how.prompts_per_round,
            "completions": engine.asked,
            "cpu_ms_per_task": 1000 * (cpu - engine.seconds) / grown,
            "wall_ms_per_task": 1000 * (wall - engine.seconds) / grown,
            "engine_ms_per_task": 1000 * engine.seconds / grown,
        }
        click.echo(found)
        save("overhead", str(count), found)


WORDS = [
    first + middle + last
    for first in ("ba", "ce", "di", "fo", "gu", "ha", "je", "ki", "lo", "mu", "na", "pe")
    for middle in ("r", "lt", "mp", "st", "nd", "sh", "ck", "ll", "v", "g")
    for last in ("an", "el", "in", "or", "us", "ey", "ith", "ock", "ump", "ade")
]


class Instant(ScriptedEngine):
    """Answers in no time to speak of, and takes down what time it takes."""

    def __init__(self) -> None:
        super().__init__(self._made_up)
        self.seconds = 0.0
        self.asked = 0

    def _made_up(self, prompt: Prompt) -> str:
        """Make up a task or an answer that is like no other."""
        began = time.perf_counter()
        random = Random(prompt.key)  # noqa: S311 (made-up words)
        stage = stage_of(prompt.key)
        text = " No"
        if stage == "propose":
            text = f" Describe the {' '.join(random.choices(WORDS, k=9))} to a friend."
        elif stage != "classify":
            text = f"It is {' '.join(random.choices(WORDS, k=20))}, as far as we can tell."
        self.asked += 1
        self.seconds += time.perf_counter() - began
        return text


@main.command()
def table() -> None:
    """Write engines.md from the results."""
    found = json.loads(RESULTS.read_text(encoding="utf-8"))
    lines = [
        "# The loop around an engine, measured",
        "",
        "Written by `python benchmarks/engines.py table` from `results/engines.json`.",
        "",
        "## Is the engine kept busy?",
        "",
        "Tokens a second of `grow`, from a round's first prompt to the end of the last round,",
        "everything of ours included, as a share of the same engine given the same prompts at",
        "once. Medians of measurements that take turns; the engine is opened anew for each.",
        "",
        "| engine | rounds | stages overlap | stages wait | at once, tokens/s |",
        "| --- | --- | --- | --- | --- |",
    ]
    for name, row in found.get("busy", {}).items():
        share = row["share"]
        lines.append(
            f"| {name} | {row['rounds']} of {row['prompts_per_round']} prompts "
            f"| **{share['overlapping']:.2f}** | {share['waiting']:.2f} "
            f"| {statistics.median(row['tokens_per_second']['at once']):,.0f} |"
        )
    lines += [
        "",
        "## How much of the prompts comes from the prefix cache?",
        "",
        "vLLM caches whole blocks (32 tokens on a processor, 16 on a GPU). The chat prompts that",
        "ask the default recipe's inputs and responses have some 50 tokens and share the first 20:",
        "less than a block.",
        "",
        "| engine | stage | prompts | tokens a prompt | from the cache |",
        "| --- | --- | --- | --- | --- |",
    ]
    for name, row in (found.get("busy", {}) | found.get("cache", {})).items():
        for stage, tally in row["stages"].items():
            tokens = max(tally["prompt_tokens"], 1)
            lines.append(
                f"| {name} | {stage} | {tally['prompts']} | {tokens / tally['prompts']:.0f} "
                f"| {tally['cached_tokens'] / tokens:.0%} |"
            )
    lines += [
        "",
        "## What does ours cost?",
        "",
        "An engine that answers in no time, its own time taken off; three completions a task.",
        "",
        "| tasks | CPU a task | wall a task |",
        "| --- | --- | --- |",
    ]
    for row in found.get("overhead", {}).values():
        lines.append(
            f"| {row['tasks']:,} | {row['cpu_ms_per_task']:.2f} ms "
            f"| {row['wall_ms_per_task']:.2f} ms |"
        )
    commands = [row["command"] for part in found.values() for row in part.values()]
    where = [row["machine"] for part in found.values() for row in part.values()]
    described = ", ".join(f"{key} {value}" for key, value in where[-1].items()) if where else ""
    lines += ["", f"<sub>`{'`; `'.join(dict.fromkeys(commands))}`; {described}</sub>", ""]
    (RESULTS.parent.parent / "engines.md").write_text("\n".join(lines), encoding="utf-8")


def save(section: str, name: str, found: dict[str, Any]) -> None:
    """Merge a measurement into the results."""
    results = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    results.setdefault(section, {})[name] = found
    RESULTS.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
