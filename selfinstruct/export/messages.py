"""Chat rows: what the user says, and what the assistant answers.

Decides: the turns of a row, and which system prompt it has where some are wanted. Does not know:
chat templates; they are the trainer's.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec

from selfinstruct.errors import InputError
from selfinstruct.export.base import Row, Source, user_text
from selfinstruct.export.chance import numbers
from selfinstruct.export.template_sets import load_templates
from selfinstruct.resources import read_text

VARIED = "varied"
"""As a choice of system prompts: those of the row's language that ship with the program."""


class Message(msgspec.Struct, frozen=True):
    """One turn."""

    role: str
    content: str


class MessagesRow(msgspec.Struct, frozen=True):
    """One line of a messages export."""

    messages: tuple[Message, ...]
    id: str
    source: Source


class SystemPrompts(NamedTuple):
    """Which system prompts rows may have: a caller's own, those of the templates, or none."""

    own: tuple[str, ...] = ()
    varied: bool = False
    folder: Path | None = None

    def of(self, row: Row) -> str:
        """Return the system prompt of a row, by its id; "" for none.

        One row in (number of prompts + 1) has none, so that a model learns to do without.
        """
        prompts = self.own
        if self.varied:
            prompts = load_templates(row.task.language, self.folder).system.prompts
        if not prompts:
            return ""
        drawn = numbers(f"{row.id}/system")[0] % (len(prompts) + 1)
        return prompts[drawn] if drawn < len(prompts) else ""


def system_prompts(given: str, folder: Path | None = None) -> SystemPrompts:
    """Read a choice of system prompts: "" (none), "varied", or a file with one on each line."""
    if given in ("", VARIED):
        return SystemPrompts(varied=bool(given), folder=folder)
    hint = f"give a text file with a prompt on each line, or: --system-prompts {VARIED}"
    lines = tuple(line.strip() for line in read_text(Path(given), hint=hint).splitlines())
    if not any(lines):
        raise InputError(f"{given}: no line has a prompt", hint=hint)
    return SystemPrompts(own=tuple(line for line in lines if line))


def messages(system: SystemPrompts) -> Callable[[Row], Iterator[MessagesRow]]:
    """Return what turns a row into a chat of two turns, or of three with a system prompt."""

    def line(row: Row) -> Iterator[MessagesRow]:
        prompt = system.of(row)
        asked = Message("user", user_text(row.task.instruction, row.instance.input))
        turns = (asked, Message("assistant", row.instance.output))
        before = (Message("system", prompt),) if prompt else ()
        yield MessagesRow(before + turns, row.id, row.source)

    return line
