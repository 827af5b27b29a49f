"""What rules are made of: a verdict, a name, a field.

Decides: how a rule is called and what a refusal says. Does not know: any particular rule.
"""

import re
from typing import Annotated, Literal

import msgspec

from selfinstruct.task import Task

Field = Literal["instruction", "input", "output"]


def check_patterns(*patterns: str) -> None:
    """Raise ValueError for the first that is not a regular expression."""
    for pattern in patterns:
        try:
            re.compile(pattern)
        except (re.error, OverflowError, RecursionError) as error:
            message = f"not a regular expression: {pattern!r}: {error}"
            raise ValueError(message) from error


Count = Annotated[int, msgspec.Meta(ge=0)]
Positive = Annotated[int, msgspec.Meta(ge=1)]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Texts = Annotated[tuple[str, ...], msgspec.Meta(min_length=1)]


class Rejection(msgspec.Struct, frozen=True):
    """Why a task was refused: the rule's name, and what it saw."""

    rule: str
    detail: str


class BaseRule(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", kw_only=True
):
    """What all rules share: a `name` of their own for reports, else their kind."""

    name: str = ""

    def __call__(self, task: Task) -> Rejection | None:
        """Keep the task (None) or refuse it."""
        detail = self.fault(task)
        kind = str(self.__struct_config__.tag)
        return Rejection(self.name or kind, detail) if detail else None

    def fault(self, task: Task) -> str:  # noqa: ARG002 (for rules to say)
        """Say what is wrong with a task; "" when nothing is, as where a rule does not say."""
        return ""


class FieldRule(BaseRule, frozen=True, kw_only=True):
    """A rule on one text of a task."""

    field: Field

    def fault(self, task: Task) -> str:
        """Judge the field; a draft without instances passes what is about instances."""
        if self.field == "instruction":
            return self.fault_in(task.instruction)
        return next(
            (found for one in task.instances if (found := self.fault_in(getattr(one, self.field)))),
            "",
        )

    def fault_in(self, text: str) -> str:  # noqa: ARG002 (for rules to say)
        """Say what is wrong with a text; "" when nothing is, as where a rule does not say."""
        return ""


def shortened(text: str, limit: int = 40) -> str:
    """Cut a text for a message."""
    return text if len(text) <= limit else text[: limit - 1] + "\u2026"
