"""The formats: their names, their rows, and what makes these.

Decides: which formats there are, and what each is told. Does not know: where rows come from, or
how they are written.
"""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import msgspec

from selfinstruct.errors import InputError, unknown_name
from selfinstruct.export.alpaca import AlpacaRow, alpaca
from selfinstruct.export.base import Row
from selfinstruct.export.flan import Flan, FlanRow
from selfinstruct.export.messages import MessagesRow, SystemPrompts, messages
from selfinstruct.export.mixture import Mixture
from selfinstruct.export.preference import PreferenceRow, preference
from selfinstruct.export.prompt_completion import PromptCompletionRow, prompt_completion
from selfinstruct.export.raw import RawRow, raw
from selfinstruct.preferences.pairs import Preference

Render = Callable[[Row], Iterable[msgspec.Struct]]


class Ways(NamedTuple):
    """What formats are told: the mixture, templates and system prompts of rows; ranked pairs."""

    mixture: Mixture
    templates: Path | None = None
    templates_per_row: int | None = None
    system: SystemPrompts = SystemPrompts()
    pairs: Mapping[str, Preference] = MappingProxyType({})


class Format(NamedTuple):
    """A format: the type of its rows, and what turns a row of a run into these."""

    row_type: type[msgspec.Struct]
    begin: Callable[[Ways, Flan], Render]
    has_templates: bool = False


FORMATS: dict[str, Format] = {
    "flan": Format(FlanRow, lambda _, flan: flan, has_templates=True),
    "alpaca": Format(AlpacaRow, lambda _ways, _flan: alpaca),
    "messages": Format(MessagesRow, lambda ways, _: messages(ways.system)),
    "prompt_completion": Format(
        PromptCompletionRow, lambda _, flan: prompt_completion(flan), has_templates=True
    ),
    "preference": Format(PreferenceRow, lambda ways, _: preference(ways.pairs)),
    "raw": Format(RawRow, lambda _ways, _flan: raw),
}


def known_formats(names: Iterable[str]) -> tuple[str, ...]:
    """Return names of formats, each once; raise InputError for one that is unknown, or for none."""
    found = tuple(dict.fromkeys(name.strip() for name in names if name.strip()))
    for name in found:
        if name not in FORMATS:
            raise unknown_name("export format", name, FORMATS)
    if not found:
        raise InputError("no export format is named", hint=f"known: {', '.join(FORMATS)}")
    return found


def begun(name: str, ways: Ways) -> tuple[Any, Flan]:
    """Return what renders the rows of a format, and what counts the templates that it draws."""
    flan = Flan(ways.mixture, ways.templates, ways.templates_per_row)
    return FORMATS[name].begin(ways, flan), flan
