"""Prompts: the words in which a model is asked, as text files, and their rendering.

Decides: which text belongs to a question and how it is filled. The files lie in a folder by
language and can be replaced one by one (`--prompts DIR`). Does not know: when a question is
asked, or what becomes of the answer.

A file is a Jinja template. Lines that hold only [system], [user] or [assistant] make it a chat;
without them it is plain text for the model to go on with.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, cast

import jinja2
import msgspec
from jinja2.sandbox import SandboxedEnvironment

from selfinstruct.engines.base import Message, Prompt, Sampling
from selfinstruct.errors import InputError, unknown_name
from selfinstruct.resources import prompts_dir
from selfinstruct.task import Task, digest, to_json

NAMES = ("propose", "classify", "input", "respond", "instances", "classes")
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
        return sorted({line for line in lines if len(line.split()) > 5 and "{" not in line})

    def _fill(self, name: str, key: str, sampling: Sampling, values: dict[str, object]) -> Prompt:
        """Render one text; roles are read before filling, so a task cannot open a turn."""
        parts = _ROLE.split(self.texts[name])
        if len(parts) == 1:
            return Prompt(key, text=_render(name, parts[0], values), sampling=sampling)
        messages = tuple(
            Message(
                cast("Literal['system', 'user', 'assistant']", role), _render(name, text, values)
            )
            for role, text in zip(parts[1::2], parts[2::2], strict=True)
        )
        return Prompt(key, messages=messages, sampling=sampling)


_JINJA = SandboxedEnvironment(
    undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True, autoescape=False
)


def _render(name: str, source: str, values: dict[str, object]) -> str:
    """Fill a template; a fault in it is the user's, since ours are tested."""
    try:
        return _JINJA.from_string(source).render(values).rstrip("\n")
    except jinja2.TemplateError as error:
        hint = "compare it with selfinstruct/prompts/en"
        raise InputError(f"prompt {name}.txt: {error}", hint=hint) from error


def load_prompts(language: str, overrides: Path | None = None) -> Prompts:
    """Read the texts of a language; files in the folder `overrides` replace single ones.

    Raises InputError for a language without texts, a folder that is not there, and a file in it
    that replaces nothing or is no template.
    """
    folder = prompts_dir(language)
    texts = {name: (folder / f"{name}.txt").read_text(encoding="utf-8") for name in NAMES}
    if overrides is not None:
        if not overrides.is_dir():
            raise InputError(f"no such folder: {overrides}", hint="--prompts takes a folder")
        for path in sorted(overrides.glob("*.txt")):
            if path.stem not in NAMES:
                raise unknown_name(f"prompt in {overrides}", path.stem, NAMES)
            texts[path.stem] = _template(path)
    return Prompts(texts)


def _template(path: Path) -> str:
    """Read a user's template, and refuse one that cannot be parsed."""
    try:
        text = path.read_text(encoding="utf-8")
        _JINJA.parse(text)
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8: {error}", hint="save it as UTF-8") from error
    except jinja2.TemplateSyntaxError as error:
        raise InputError(
            f"{path}:{error.lineno}: {error.message}", hint="a Jinja template"
        ) from error
    return text
