"""Prompts: the words in which a model is asked, as text files, and their rendering.

Decides: which text belongs to a question and how it is filled. The files lie in a folder by
language and can be replaced one by one (`--prompts DIR`). Does not know: when a question is
asked, or what becomes of the answer.

A file is a Jinja template. Lines that hold only [system], [user] or [assistant] make it a chat;
without them it is plain text for the model to go on with.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from traceback import extract_tb
from typing import Literal, cast

import jinja2
import msgspec
from jinja2.sandbox import SandboxedEnvironment

from selfinstruct.engines.base import Message, Prompt, Sampling
from selfinstruct.errors import InputError, unknown_name
from selfinstruct.resources import prompts_dir, read_text
from selfinstruct.task import Instance, Origin, Task, digest, new_task, to_json
from selfinstruct.text import word_count

NAMES = ("propose", "propose_json", "classify", "input", "respond", "instances", "classes")
"""The questions; each has a file NAME.txt."""

_ROLE = re.compile(r"(?m)^\[(system|user|assistant)\][ \t]*\n")


class Prompts(msgspec.Struct, frozen=True):
    """The texts of one language: name to template source."""

    texts: dict[str, str]

    def digest(self) -> str:
        """Return a digest of all texts."""
        return digest(to_json(sorted(self.texts.items())).decode(), 32)

    def propose(
        self, key: str, examples: Sequence[Task], *, lead: str, last: int, sampling: Sampling
    ) -> Prompt:
        """Ask for instructions that go on a list of examples, up to item number `last`."""
        shown = [" ".join(task.instruction.split()) for task in examples]
        stop = (*sampling.stop, *(mark.format(last + 1) for mark in ("\n{}.", "\nTask {}:")))
        return self._fill(
            "propose",
            key,
            msgspec.structs.replace(sampling, stop=stop),
            {"examples": shown, "lead": lead, "next": len(shown) + 1, "last": last},
        )

    def propose_json(
        self, key: str, examples: Sequence[Task], *, lead: str, new: int, sampling: Sampling
    ) -> Prompt:
        """Ask for `new` instructions like the examples, as a JSON array of strings."""
        schema = {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": new}
        shown = [" ".join(task.instruction.split()) for task in examples]
        return self._fill(
            "propose_json",
            key,
            msgspec.structs.replace(sampling, schema=to_json(schema).decode()),
            {"examples": shown, "lead": lead, "new": new},
        )

    def classify(
        self, key: str, exemplars: Sequence[Task], task: Task, *, sampling: Sampling
    ) -> Prompt:
        """Ask whether a task is classification: Yes or No."""
        return self._fill("classify", key, sampling, {"exemplars": exemplars, "task": task})

    def input(self, key: str, task: Task, *, kind: str, topic: str, sampling: Sampling) -> Prompt:
        """Ask for a text that a task can be done with."""
        return self._fill("input", key, sampling, {"task": task, "kind": kind, "topic": topic})

    def respond(self, key: str, task: Task, given: str, *, sampling: Sampling) -> Prompt:
        """Give a task, with its input, to the model itself."""
        return self._fill("respond", key, sampling, {"task": task, "input": given})

    def instances(
        self, key: str, exemplars: Sequence[Task], task: Task, *, sampling: Sampling
    ) -> Prompt:
        """Have a base model go on with instances: input first, or answer first for classes."""
        name = "classes" if task.is_classification else "instances"
        return self._fill(name, key, sampling, {"exemplars": exemplars, "task": task})

    def headings(self) -> list[str]:
        """Return the fixed lines of all texts: what an echo of a prompt would hold."""
        lines = (line.strip() for text in self.texts.values() for line in text.splitlines())
        return sorted({line for line in lines if word_count(line) > 5 and "{" not in line})

    def _fill(self, name: str, key: str, sampling: Sampling, values: dict[str, object]) -> Prompt:
        """Render one text; roles are read before filling, so a task cannot open a turn."""
        parts = _ROLE.split(self.texts[name])
        if len(parts) == 1:
            return Prompt(key, text=_render(name, parts[0], values), sampling=sampling)
        messages: list[Message] = []
        line = parts[0].count("\n")
        for role, text in zip(parts[1::2], parts[2::2], strict=True):
            line += 1
            content = _render(name, text, values, line)
            messages.append(Message(cast("Literal['system', 'user', 'assistant']", role), content))
            line += text.count("\n")
        return Prompt(key, messages=tuple(messages), sampling=sampling)


class _Sandbox(SandboxedEnvironment):
    """Keeps a template that somebody sends you from doing more than naming fields."""

    def is_safe_attribute(self, obj: object, attr: str, value: object) -> bool:
        """Pass the fields of our own rows, without looking for what a class may hide."""
        if isinstance(obj, msgspec.Struct):
            return attr in obj.__struct_fields__
        return super().is_safe_attribute(obj, attr, value)


_JINJA = _Sandbox(
    undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True, autoescape=False
)


_FAULTS = (
    jinja2.TemplateError,
    ArithmeticError,
    AttributeError,
    LookupError,
    TypeError,
    ValueError,
)
"""What filling a template can end in."""


@lru_cache(maxsize=64)
def _template(source: str) -> jinja2.Template:
    """Compile a template, once: it takes longer than filling it."""
    return _JINJA.from_string(source)


def _render(name: str, source: str, values: dict[str, object], above: int = 0) -> str:
    """Fill a template; a fault in it is the user's, since ours are tested.

    `above` lines of the file come before it.
    """
    try:
        return _template(source).render(values).rstrip("\n")
    except _FAULTS as error:
        lines = [step.lineno or 0 for step in extract_tb(error.__traceback__)]
        names = [step.filename for step in extract_tb(error.__traceback__)]
        inside = [line for line, file in zip(lines, names, strict=True) if file == "<template>"]
        line = getattr(error, "lineno", 0) or (inside[-1] if inside else 1)
        hint = f"a Jinja template that may speak of: {', '.join(sorted(values))}"
        raise InputError(f"{name}.txt:{line + above}: {error}", hint=hint) from error


def load_prompts(language: str, overrides: Path | None = None) -> Prompts:
    """Read the texts of a language; files in the folder `overrides` replace single ones.

    A folder that has them all makes any language possible. Raises InputError for a language
    without texts, a folder that is not there or replaces nothing, and a file in it that has
    another name or cannot be filled.
    """
    texts: dict[str, str] = {}
    if overrides is None or not all((overrides / f"{name}.txt").is_file() for name in NAMES):
        folder = prompts_dir(language)
        texts = {name: (folder / f"{name}.txt").read_text(encoding="utf-8") for name in NAMES}
    if overrides is None:
        return Prompts(texts)
    hint = f"--prompts takes a folder with any of: {', '.join(f'{name}.txt' for name in NAMES)}"
    if not overrides.is_dir():
        raise InputError(f"no such folder: {overrides}", hint=hint)
    paths = sorted(overrides.glob("*.txt"))
    if not paths:
        raise InputError(f"{overrides} holds no prompt", hint=hint)
    for path in paths:
        if path.stem not in NAMES:
            raise unknown_name(f"prompt in {overrides}", path.stem, NAMES)
        texts[path.stem] = read_text(path, hint=hint)
    prompts = Prompts(texts)
    try:
        _try_out(prompts)
    except InputError as error:
        raise InputError(str(overrides / str(error)), hint=error.hint) from error
    return prompts


def _try_out(prompts: Prompts) -> None:
    """Fill each text with samples: a fault shows before a run begins."""
    some = Sampling()
    for is_class in (True, False):
        task = new_task(
            "Do it.",
            origin=Origin(kind="seed"),
            language="en",
            instances=(Instance(input="An input.", output="Yes"), Instance(input="", output="No")),
            is_classification=is_class,
        )
        prompts.propose("", [task], lead="Do", last=2, sampling=some)
        prompts.propose_json("", [task], lead="Do", new=2, sampling=some)
        prompts.classify("", [task], task, sampling=some)
        prompts.input("", task, kind="text", topic="it", sampling=some)
        prompts.respond("", task, "An input." if is_class else "", sampling=some)
        prompts.instances("", [task], task, sampling=some)
