"""What it takes to grow a run again: its settings as files, and the command.

Decides: the folder config/ of a release, and the words of the command. Does not know: data, or
where a model lies on anybody's machine.
"""

import re
import shlex
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import tomli_w

from selfinstruct.engines import DEFAULT_ENGINE, small_model
from selfinstruct.errors import RunError
from selfinstruct.prompts.files import EVERY
from selfinstruct.publish.portable import portable_settings
from selfinstruct.resources import read_text
from selfinstruct.run import require_run
from selfinstruct.seeds import SeedLine
from selfinstruct.settings import Settings, thawed
from selfinstruct.storage import read_rows, replace_file
from selfinstruct.task import Task, to_json


class Known(NamedTuple):
    """What a run was told, without paths and addresses; `tree` is the rest of run.toml.

    `seeds_licence` is "" where that of some seed is not known, or there are several.
    """

    settings: Settings
    tree: dict[str, Any]
    seeds_licence: str
    seeds_file: str


def known_of(run: Path) -> Known:
    """Read the settings of a run; raise RunError where they are not of this version."""
    tree = require_run(run)
    seeds = tuple(read_rows(run / "seeds.jsonl", Task))
    try:
        settings = portable_settings(thawed(tree, seeds))
        if strange := set(settings.prompts.texts) - set(EVERY):
            raise ValueError(f"no such prompt: {min(strange)!r}")  # noqa: TRY301 (a fault alike)
    except ValueError as error:
        hint = "grow a new run with this version, or publish with the version that grew it"
        raise RunError(f"{run / 'run.toml'}: not of this version: {error}", hint=hint) from error
    licences = {task.origin.licence for task in seeds}
    name = settings.seeds_name
    plain = re.fullmatch(r"\w[\w.-]*\.jsonl", name, re.ASCII)
    return Known(
        settings=settings,
        tree=_published(tree, settings),
        seeds_licence=licences.pop() if len(licences) == 1 else "",
        seeds_file=name if plain else "seeds.jsonl",
    )


def _published(tree: dict[str, Any], settings: Settings) -> dict[str, Any]:
    """Return run.toml without what has files of its own, and without paths."""
    fresh = settings.frozen("")
    left = {name: tree[name] for name in tree if name not in ("prompts", "recipe")}
    for name in ("engine", "judge"):
        if name in left:
            left[name] = fresh[name]
    models = {name: fresh["fingerprint"].get(name) for name in ("model", "judge")}
    named = {name: value for name, value in models.items() if name in left["fingerprint"]}
    left["fingerprint"] = {**left["fingerprint"], **named}
    return left


def write_config(folder: Path, known: Known, mixture: Path | None) -> None:
    """Write the folder config/: settings, recipe, prompts, and seeds whose licence is known."""
    settings = known.settings
    _write_toml(folder / "run.toml", known.tree)
    _write_toml(folder / "recipe.toml", settings.frozen("")["recipe"])
    for name, text in settings.prompts.texts.items():
        replace_file(folder / "prompts" / f"{name}.txt", text.encode())
    if mixture:
        text = read_text(mixture, hint="give a TOML file with a mixture")
        replace_file(folder / "mixture.toml", text.encode())
    if settings.steering and settings.steering.topics:
        lines = [f"{one.name}\t{one.quota or ''}\n" for one in settings.steering.topics]
        replace_file(folder / "topics.txt", "".join(lines).encode())
    if known.seeds_licence:
        lines_of = (to_json(_seed_line(task, settings)) + b"\n" for task in settings.seeds)
        replace_file(folder / "seeds" / known.seeds_file, lines_of)


def _write_toml(path: Path, tree: dict[str, Any]) -> None:
    replace_file(path, tomli_w.dumps(tree, multiline_strings=True).encode())


def _seed_line(task: Task, settings: Settings) -> SeedLine:
    """Return the line of a seed file that is read as this task."""
    return SeedLine(
        instruction=task.instruction,
        instances=task.instances,
        is_classification=bool(task.is_classification),
        name=task.origin.source.removeprefix(f"{settings.seeds_name}#"),
        category=task.category,
        language=task.language,
    )


def grow_command(known: Known, rounds: int, *, augmented: bool) -> str:
    """Return the command that grows such a run, from the folder of the release."""
    one = known.settings
    words = ["--engine", _engine_spec(known), "--rounds", str(rounds), "--seed", str(one.seed)]
    words += [word for given in one.engine.arguments for word in ("--engine-arg", given)]
    words += ["--prompts-per-round", str(one.prompts_per_round), "--language", one.language]
    words += ["--recipe", "config/recipe.toml", "--prompts", "config/prompts"]
    if known.seeds_licence:
        words += ["--seeds", f"config/seeds/{known.seeds_file}"]
        words += ["--seeds-licence", known.seeds_licence]
    else:
        words += ["--seeds", "SEEDS.jsonl"]
    if one.engine.licence:
        words += ["--model-licence", one.engine.licence]
    if one.max_tokens_per_round:
        words += ["--max-tokens-per-round", str(one.max_tokens_per_round)]
    if one.steering and one.steering.generate:
        words += ["--generate-topics", str(one.steering.generate)]
    elif one.steering:
        words += ["--topics", "config/topics.txt"]
    if one.recipe.augment and not augmented:
        words += ["--no-augment"]
    pairs = [shlex.join(words[place : place + 2]) for place in range(0, len(words), 2)]
    return " \\\n  ".join(["selfinstruct grow --out runs/again", *pairs])


def _engine_spec(known: Known) -> str:
    """Return what opens the model; a run does not record the kind of engine, but of our own."""
    info = known.settings.engine
    if (info.model, info.revision) == (small_model.MODEL, small_model.SHA256[:12]):
        return DEFAULT_ENGINE
    return f"ENGINE:{info.model}"


def digest_of(known: Known, name: str) -> str:
    """Return a digest from the fingerprint of a run: of its "seeds", "recipe" or "prompts"."""
    return str(known.tree["fingerprint"][name]).rpartition(" ")[2]


def sampling_rows(settings: Settings) -> list[tuple[str, dict[str, Any]]]:
    """Return the sampling of each kind of question that the recipe may ask."""
    recipe = settings.recipe
    found = [
        ("propose", recipe.propose.sampling),
        ("classify", recipe.classify.sampling),
        ("input", recipe.instances.input_sampling),
        ("respond", recipe.instances.respond_sampling),
        ("instances", recipe.instances.few_shot_sampling),
    ]
    if recipe.judge:
        found.append(("judge", recipe.judge.sampling))
    return [(name, msgspec.to_builtins(one)) for name, one in found]
