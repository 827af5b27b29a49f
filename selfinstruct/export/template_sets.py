"""Templates: the wordings that a row can be put in, by language, as data.

Decides: which set a language has (that of the caller, else that of the program, else one without
words), what is wrong with a set, and how holes are filled. Does not know: which template a row
gets.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

import msgspec

from selfinstruct.errors import InputError
from selfinstruct.export.labels import Style
from selfinstruct.resources import read_text, template_dir

NEUTRAL = "any"
"""The set for languages that have none: layout alone, no words."""

_HOLE = re.compile(r"\{(\w+)\}")
_LANGUAGE = re.compile(r"(?a:[a-zA-Z]{2,8}(-\w{1,8})*)")

HINT = "see selfinstruct/export/templates/README.md for the files and their holes"


class Template(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One wording: what the model is given, and what it is to say."""

    id: str
    inputs: str
    targets: str = "{output}"


class FewShot(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One wording with exemplars: {examples} is each filled `example` and `separator` after it."""

    id: str
    inputs: str
    example: str
    separator: str


class ZeroShot(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """zero_shot.toml: for rows with an input, and for rows without."""

    with_input: tuple[Template, ...]
    without_input: tuple[Template, ...]


class Classification(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """classification.toml: with the options shown (also without input), and not shown."""

    options: tuple[Template, ...]
    options_without_input: tuple[Template, ...]
    no_options: tuple[Template, ...]


class Styles(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """options.toml."""

    style: tuple[Style, ...]


class Shots(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """few_shot.toml: with several exemplars, and with one inside the definition."""

    few_shot: tuple[FewShot, ...]
    inline: tuple[Template, ...]


class Reasoning(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """reasoning.toml: asks for a rationale; `answer_marks` find where an output has its answer.

    Outputs without any of the `answer_words` at their end are not searched.
    """

    answer_words: tuple[str, ...] = ()
    answer_marks: tuple[str, ...] = ()
    with_input: tuple[Template, ...] = ()
    without_input: tuple[Template, ...] = ()


class Inversion(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """inversion.toml: asks for the instruction, or for the input, of an output."""

    instruction: tuple[Template, ...] = ()
    instruction_with_input: tuple[Template, ...] = ()
    input: tuple[Template, ...] = ()


class System(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """system.toml: system prompts for formats that have one."""

    prompts: tuple[str, ...] = ()


class TemplateSet(msgspec.Struct, frozen=True):
    """All templates of a language, one field a file."""

    zero_shot: ZeroShot
    classification: Classification
    options: Styles
    few_shot: Shots
    reasoning: Reasoning
    inversion: Inversion
    system: System


HOLES: dict[tuple[str, str], tuple[str, ...]] = {
    ("zero_shot", "with_input"): ("instruction", "input"),
    ("zero_shot", "without_input"): ("instruction",),
    ("classification", "options"): ("instruction", "input", "options"),
    ("classification", "options_without_input"): ("instruction", "options"),
    ("classification", "no_options"): ("instruction", "input"),
    ("few_shot", "few_shot"): ("instruction", "examples", "input"),
    ("few_shot", "inline"): ("instruction", "example_input", "example_output", "input"),
    ("reasoning", "with_input"): ("instruction", "input"),
    ("reasoning", "without_input"): ("instruction",),
    ("inversion", "instruction"): ("output",),
    ("inversion", "instruction_with_input"): ("input", "output"),
    ("inversion", "input"): ("instruction", "output"),
}
"""The holes of `inputs`, each exactly once, by file and table."""

TARGETS: dict[str, tuple[str, ...]] = {"reasoning": ("rationale", "answer")}
"""The holes of `targets`, by file; elsewhere the target is one text as it is."""

Part = TypeVar("Part")


@lru_cache
def load_templates(language: str, folder: Path | None = None) -> TemplateSet:
    """Read the templates of a language.

    A folder of the caller's comes first: `folder/LANGUAGE/zero_shot.toml` and so on; a file that
    it lacks is the program's. "zh-TW" has those of "zh" where it has none of its own. Raises
    InputError, with file and id, for a template that would lose a text.
    """
    name = language if _LANGUAGE.fullmatch(language) else NEUTRAL  # it may be of anybody's file
    main = name.partition("-")[0]
    places = [folder / name, folder / main] if folder else []
    places += [template_dir(name) or template_dir(main) or template_dir(NEUTRAL) or Path()]
    parts = {name: _read(places, name) for name in TemplateSet.__struct_fields__}
    found = msgspec.convert(parts, TemplateSet)
    for path, table, one in _templates(found, places):
        _check(path, table, one)
    return found


def _read(places: list[Path], name: str) -> object:
    """Read the first file of a name that there is."""
    path = next((p / f"{name}.toml" for p in places if (p / f"{name}.toml").is_file()), None)
    if path is None:
        message = f"{places[-1] / name}.toml is missing"
        raise InputError(message, hint="install the program again")
    kind = TemplateSet.__annotations__[name]
    try:
        return msgspec.convert(tomllib.loads(read_text(path, hint=HINT)), kind)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise InputError(f"{path}: {error}", hint=HINT) from error


def _templates(
    found: TemplateSet, places: list[Path]
) -> Iterator[tuple[Path, tuple[str, str], Template | FewShot]]:
    """Yield each template with its file, and the table that it stands in."""
    for name, table in HOLES:
        path = next(p / f"{name}.toml" for p in places if (p / f"{name}.toml").is_file())
        for one in getattr(getattr(found, name), table):
            yield path, (name, table), one


def _check(path: Path, table: tuple[str, str], one: Template | FewShot) -> None:
    """Raise InputError for a template whose holes are not those of its table."""
    pairs = [(one.inputs, HOLES[table])]
    if isinstance(one, FewShot):
        pairs.append((one.example, ("input", "output")))
    elif table[0] in TARGETS:
        pairs.append((one.targets, TARGETS[table[0]]))
    for text, wanted in pairs:
        found = sorted(_HOLE.findall(text))
        if found != sorted(wanted):
            names = " ".join(f"{{{name}}}" for name in wanted)
            message = f"{path}: [[{table[1]}]] {one.id}: expected {names}, each once"
            raise InputError(f"{message}, got {found}", hint=HINT)


@lru_cache(maxsize=4096)
def _format(template: str) -> str:
    """Return a template as Python formats texts by name: the quickest way to fill it."""
    return _HOLE.sub(r"%(\1)s", template.replace("%", "%%"))


def fill(template: str, values: Mapping[str, str]) -> str:
    """Fill the holes of a template; braces in the texts are text."""
    return _format(template) % values
