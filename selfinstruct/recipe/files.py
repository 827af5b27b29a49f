"""Recipes as files: how one extends another, and where word lists lie.

Decides: what a recipe inherits, how `{ file = "words/x.txt" }` is read, and how errors are worded.
Does not know: what settings mean.
"""

import tomllib
from pathlib import Path
from typing import Any

import msgspec

from selfinstruct.errors import InputError, unknown_name
from selfinstruct.recipe.sections import Recipe
from selfinstruct.resources import data_dir, read_text, recipe_file
from selfinstruct.rules import Rule

HINT = "see filters/README.md"

Tree = dict[str, Any]


def load_recipe(given: str) -> Recipe:
    """Read the recipe that ships under a name, or the TOML file at a path.

    A recipe with `extends` is read on top of the one it names, which may extend a third. Raises
    InputError naming file and place for anything that is not a recipe.
    """
    path = _found(given)
    tree = _whole(path, ())
    try:
        return msgspec.convert(tree, Recipe)
    except msgspec.ValidationError as error:
        raise InputError(f"{path}: {_explained(str(error))}", hint=HINT) from error


def _found(given: str, beside: Path | None = None) -> Path:
    """Return the file of a name or path; a relative path in a recipe starts from its folder."""
    if not given.endswith(".toml") and "/" not in given:
        return recipe_file(given)
    path = beside / given if beside else Path(given)
    if not path.is_file():
        raise InputError(f"no such recipe file: {path}", hint="give a name or a .toml file")
    return path


def _whole(path: Path, below: tuple[Path, ...]) -> Tree:
    """Return the tree of a recipe with all that it inherits; `below` are those that extend it."""
    tree = _tree(path)
    _resolve_lists(tree, path)
    parent = tree.pop("extends", None)
    without = tree.pop("without", [])
    if parent is None:
        if without:
            message = f"{path}: `without` leaves out rules of a recipe that is extended"
            raise InputError(message, hint='name it: extends = "default"')
        return tree
    if not isinstance(parent, str):
        raise InputError(f"{path}: extends is {parent!r}, expected a name or a file", hint=HINT)
    base = _found(parent, path.parent)
    if base.resolve() in (path.resolve(), *below):
        raise InputError(f"{path}: extends {parent!r}, which extends it", hint=HINT)
    inherited = _whole(base, (*below, path.resolve()))
    _leave_out(inherited, without, path)
    return _merged(inherited, {"name": path.stem, **tree})  # not the name of what it changes


def _tree(path: Path) -> Tree:
    """Read a TOML file."""
    try:
        return tomllib.loads(read_text(path, hint=HINT))
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise InputError(f"{path}: not TOML: {error}", hint=HINT) from error


def _leave_out(tree: Tree, names: object, path: Path) -> None:
    """Drop the rules of these names; a name that no rule has is an error."""
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise InputError(f"{path}: without is {names!r}, expected a list of names", hint=HINT)
    rules = [rule for rule in tree.get("rule", []) if isinstance(rule, dict)]
    known = {name_of(rule) for rule in rules}
    for name in names:
        if name not in known:
            raise unknown_name(f"rule that {path} leaves out", name, sorted(known))
    tree["rule"] = [rule for rule in rules if name_of(rule) not in names]


def name_of(rule: Tree) -> str:
    """Return the name a rule goes by in reports."""
    return str(rule.get("name") or rule.get("kind"))


def _merged(base: Tree, tree: Tree) -> Tree:
    """Lay a recipe over the one it extends.

    Tables are joined setting by setting. A rule takes the place of the inherited one of the same
    kind, name and field; others come after all inherited ones.
    """
    merged = dict(base)
    for key, value in tree.items():
        if key == "rule" and isinstance(value, list):
            merged[key] = _merged_rules(base.get(key, []), value)
        elif isinstance(value, dict) and isinstance(base.get(key), dict):
            merged[key] = _merged(base[key], value)
        else:
            merged[key] = value
    return merged


def _merged_rules(base: list[Tree], added: list[Tree]) -> list[Tree]:
    if not all(isinstance(rule, dict) for rule in (*base, *added)):
        return [*base, *added]  # refused when it is read as a recipe, which says where
    own: dict[tuple[str, ...], list[Tree]] = {}
    for rule in added:
        own.setdefault(_identity(rule), []).append(rule)
    replaced: set[tuple[str, ...]] = set()
    merged: list[Tree] = []
    for rule in base:
        name = _identity(rule)
        if name not in own:
            merged.append(rule)
        elif name not in replaced:  # the first of several alike gives its place to all new ones
            replaced.add(name)
            merged += own[name]
    return merged + [rule for name, rules in own.items() if name not in replaced for rule in rules]


def _identity(rule: Tree) -> tuple[str, ...]:
    """Return what makes two rules of two recipes the same rule."""
    return tuple(str(rule.get(key, "")) for key in ("kind", "name", "field"))


def _resolve_lists(tree: Any, path: Path) -> None:  # noqa: ANN401 (a TOML tree)
    """Replace each {file = "words/x.txt"} by the lines of that word list."""
    entries = tree.items() if isinstance(tree, dict) else enumerate(tree)
    for key, value in list(entries):
        if isinstance(value, dict) and set(value) == {"file"}:
            tree[key] = _words(path, str(value["file"]))
        elif isinstance(value, (dict, list)):
            _resolve_lists(value, path)


def _words(recipe: Path, name: str) -> list[str]:
    """Read a word list: one entry a line, "#" starts a comment; beside the recipe, or shipped."""
    for folder in (recipe.parent, data_dir("filters")):
        if (folder / name).is_file():
            lines = read_text(folder / name, hint=HINT).splitlines()
            return [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    known = [f"words/{entry.name}" for entry in (data_dir("filters") / "words").iterdir()]
    raise unknown_name(f"word list in {recipe}", name, known)


def _explained(message: str) -> str:
    """Add the closest rule to msgspec's message about an unknown kind."""
    if message.startswith("Invalid value '") and "`$.rule" in message:
        given = message.split("'")[1]
        kinds = [str(kind.__struct_config__.tag) for kind in Rule.__args__]
        return f"{unknown_name('rule', given, kinds)} - {message.rpartition(' - ')[2]}"
    return message
