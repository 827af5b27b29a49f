"""`--config`: a TOML file with the settings of a command; flags win.

Decides: which settings a file may hold, and what type each has. Does not know: what they do.
"""

import tomllib
from pathlib import Path
from typing import Any

import click

from selfinstruct.errors import InputError, unknown_name

_EXAMPLE = "settings are named like the options, for example: rounds = 3"


def read_config(ctx: click.Context, param: click.Parameter, value: str | None) -> None:
    """Take the defaults of a command's options from a TOML file."""
    if value is None:
        return
    path = Path(value)
    options = {
        option.opts[0].removeprefix("--"): option
        for option in ctx.command.params
        if isinstance(option, click.Option) and option is not param
    }
    defaults: dict[str, Any] = {}
    for key, setting in _tree(path).items():
        option = options.get(key.replace("_", "-"))
        if option is None:
            raise unknown_name(f"setting in {path}", key, options)
        defaults[str(option.name)] = _checked(path, key, setting, option, ctx)
    ctx.default_map = {**(ctx.default_map or {}), **defaults}


def _tree(path: Path) -> dict[str, Any]:
    """Read a TOML file; a byte-order mark is accepted."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        hint = "--config takes a TOML file"
        raise InputError(f"cannot read {path}: {error.strerror}", hint=hint) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(f"{path}: not TOML: {error}", hint=_EXAMPLE) from error


def _checked(path: Path, key: str, setting: Any, option: click.Option, ctx: click.Context) -> Any:  # noqa: ANN401 (TOML)
    """Return a setting as its option takes it; raise InputError for another type or range."""
    is_list = isinstance(setting, list) and all(isinstance(item, str) for item in setting)
    wanted, words = _wanted(option)
    if is_list and wanted is str:
        setting = ",".join(setting)
    items: list[Any] = setting if is_list and wanted is list else [setting]
    if type(setting) is not wanted or (wanted is list and not is_list):
        raise InputError(f"{path}: {key} is {setting!r}, expected {words}", hint=_EXAMPLE)
    try:
        for item in items:
            option.type.convert(item, option, ctx)
    except click.BadParameter as error:
        raise InputError(f"{path}: {key}: {error.message}", hint=_EXAMPLE) from error
    return setting


def _wanted(option: click.Option) -> tuple[type, str]:
    """Return the type that a setting must have, and words for it."""
    if option.multiple:
        return list, "a list of texts"
    if option.is_flag:
        return bool, "true or false"
    if isinstance(option.type, click.types.IntParamType):
        return int, "a whole number"
    if isinstance(option.type, click.types.FloatParamType):
        return float, "a number such as 0.5"
    return str, "a text in quotes"
