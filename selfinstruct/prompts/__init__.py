"""Prompts: the words in which a model is asked, and how they are filled.

Decides: which text belongs to a question, and what it may speak of. Does not know: where texts
lie (`prompts.files` does), when a question is asked, or what becomes of the answer.

A file is a Jinja template. Lines that hold only [system], [user] or [assistant] make it a chat;
without them it is plain text for the model to go on with.
"""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from traceback import extract_tb
from typing import Literal, cast

import jinja2
import msgspec
from jinja2.sandbox import SandboxedEnvironment

from selfinstruct.engines.base import Message, Prompt, Sampling
from selfinstruct.errors import InputError
from selfinstruct.task import Task, digest, to_json
from selfinstruct.text import word_count

_ROLE = re.compile(r"(?m)^\[(system|user|assistant)\][ \t]*\n")


class Prompts(msgspec.Struct, frozen=True):
    """The texts of one language: name to template source."""

    texts: dict[str, str]

    def digest(self) -> str:
        """Return a digest of all texts."""
        return digest(to_json(sorted(self.texts.items())).decode(), 32)

    def propose(
        self,
        key: str,
        examples: Sequence[Task],
        *,
        lead: str,
        last: int,
        sampling: Sampling,
        topic: str = "",
    ) -> Prompt:
        """Ask for instructions that go on a list of examples, up to item number `last`.

        With a topic, all of them are to be about it.
        """
        shown = [" ".join(task.instruction.split()) for task in examples]
        stop = (*sampling.stop, *(mark.format(last + 1) for mark in ("\n{}.", "\nTask {}:")))
        sampling = msgspec.structs.replace(sampling, stop=stop)
        values = {"examples": shown, "lead": lead, "next": len(shown) + 1, "last": last}
        if topic:
            return self.fill("propose_topic", key, sampling, {**values, "topic": topic})
        return self.fill("propose", key, sampling, values)

    def propose_json(
        self,
        key: str,
        examples: Sequence[Task],
        *,
        lead: str,
        new: int,
        sampling: Sampling,
        topic: str = "",
    ) -> Prompt:
        """Ask for `new` instructions like the examples, as a JSON array of strings.

        With a topic, all of them are to be about it.
        """
        schema = {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": new}
        shown = [" ".join(task.instruction.split()) for task in examples]
        sampling = msgspec.structs.replace(sampling, schema=to_json(schema).decode())
        values = {"examples": shown, "lead": lead, "new": new}
        if topic:
            return self.fill("propose_json_topic", key, sampling, {**values, "topic": topic})
        return self.fill("propose_json", key, sampling, values)

    def topics(self, key: str, known: Sequence[str], *, sampling: Sampling) -> Prompt:
        """Ask for one more topic, different from those that are known."""
        return self.fill("topics", key, sampling, {"known": known})

    def classify(
        self, key: str, exemplars: Sequence[Task], task: Task, *, sampling: Sampling
    ) -> Prompt:
        """Ask whether a task is classification: Yes or No."""
        return self.fill("classify", key, sampling, {"exemplars": exemplars, "task": task})

    def input(self, key: str, task: Task, *, kind: str, topic: str, sampling: Sampling) -> Prompt:
        """Ask for a text that a task can be done with."""
        return self.fill("input", key, sampling, {"task": task, "kind": kind, "topic": topic})

    def respond(self, key: str, task: Task, given: str, *, sampling: Sampling) -> Prompt:
        """Give a task, with its input, to the model itself."""
        return self.fill("respond", key, sampling, {"task": task, "input": given})

    def instances(
        self, key: str, exemplars: Sequence[Task], task: Task, *, sampling: Sampling
    ) -> Prompt:
        """Have a base model go on with instances: input first, or answer first for classes."""
        name = "classes" if task.is_classification else "instances"
        return self.fill(name, key, sampling, {"exemplars": exemplars, "task": task})

    def judge(self, key: str, task: Task, *, sampling: Sampling) -> Prompt:
        """Ask what a task of one instance is worth: three answers and a score, as JSON."""
        sampling = msgspec.structs.replace(sampling, schema=_VOTE)
        return self.fill("judge", key, sampling, {"task": task, "instance": task.instances[0]})

    def headings(self) -> list[str]:
        """Return the fixed lines of all texts: what an echo of a prompt would hold."""
        lines = (line.strip() for text in self.texts.values() for line in text.splitlines())
        return sorted({line for line in lines if word_count(line) > 5 and "{" not in line})

    def fill(self, name: str, key: str, sampling: Sampling, values: Mapping[str, object]) -> Prompt:
        """Render the text of a name; roles are read first, so that a task cannot open a turn."""
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


_VOTE = to_json(
    {
        "type": "object",
        "properties": {
            "valid_task": {"type": "boolean"},
            "input_fits": {"type": "boolean"},
            "output_correct": {"type": "boolean"},
            "score": {"type": "integer", "enum": [1, 2, 3, 4, 5]},
        },
        "required": ["valid_task", "input_fits", "output_correct", "score"],
        "additionalProperties": False,
    }
).decode()
"""The form of a judge's reply."""


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


def _render(name: str, source: str, values: Mapping[str, object], above: int = 0) -> str:
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
