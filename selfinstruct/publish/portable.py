"""Names without the machine they come from: no path, host or address of it is published.

Decides: what is left of a path or an address in the settings of a run. Does not know: which
settings there are; `settings` of a run are handed in.
"""

import re

import msgspec

from selfinstruct.engines.base import EngineInfo
from selfinstruct.recipe import Recipe
from selfinstruct.settings import Settings

HIDDEN = "(not published)"

_ABSOLUTE = re.compile(r"(?:/|~|\.{1,2}[/\\]|[A-Za-z]:[/\\]|\\\\)")
_ADDRESS = re.compile(r"[A-Za-z][\w+.-]*://")
_INSIDE = re.compile(r"(?<![\w.])(?:~|\.{1,2})?/\w|[A-Za-z]:\\|://")


def portable_name(name: str) -> str:
    """Return a model's or a file's name without the folders of a machine: the last part of a path.

    "Qwen/Qwen3-8B" is a name already.
    """
    if not _ABSOLUTE.match(name):
        return name
    return re.split(r"[/\\]", name.rstrip("/\\"))[-1] or HIDDEN


def portable_value(value: str) -> str:
    """Return a setting's value: a path is cut to its last part, an address is hidden."""
    if _ADDRESS.match(value):
        return HIDDEN
    name = portable_name(value)
    return HIDDEN if _INSIDE.search(name) else name


def portable_argument(argument: str) -> str:
    """Return an engine argument, "key=value"."""
    key, equals, value = argument.partition("=")
    return f"{key}{equals}{portable_value(value)}"


def portable_spec(spec: str) -> str:
    """Return an engine or model spec, "kind:name@address": without the address."""
    kind, colon, rest = spec.partition(":")
    name = re.split(r"@(?=[A-Za-z][\w+.-]*://)", rest)[0]
    return f"{kind}{colon}{portable_value(name)}" if colon else portable_value(spec)


def portable_settings(settings: Settings) -> Settings:
    """Return settings that name no path, host or address; what rules and prompts say stays."""
    return msgspec.structs.replace(
        settings,
        engine=_engine(settings.engine),
        judge=settings.judge and _engine(settings.judge),
        recipe=_recipe(settings.recipe),
    )


def _engine(info: EngineInfo) -> EngineInfo:
    arguments = tuple(map(portable_argument, info.arguments))
    return msgspec.structs.replace(info, model=portable_name(info.model), arguments=arguments)


def _recipe(recipe: Recipe) -> Recipe:
    """Return a recipe whose judge and embedding models are named without a machine."""
    replace = msgspec.structs.replace
    if recipe.judge:
        judge = replace(recipe.judge, engine=portable_spec(recipe.judge.engine))
        recipe = replace(recipe, judge=judge)
    if found := recipe.novelty.semantic:
        semantic = replace(found, model=portable_spec(found.model))
        recipe = replace(recipe, novelty=replace(recipe.novelty, semantic=semantic))
    if recipe.augment and recipe.augment.semantic:
        semantic = replace(
            recipe.augment.semantic, model=portable_spec(recipe.augment.semantic.model)
        )
        recipe = replace(recipe, augment=replace(recipe.augment, semantic=semantic))
    return recipe
