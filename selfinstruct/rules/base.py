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
    """What all rules share: a `name` of their own for reports, else their kind.

    A task in whose instruction one of the regular expressions `unless_asked` is found passes:
    it asks for what would be a fault elsewhere. With `only_asked`, so does every task in whose
    instruction none of these is found.
    """

    name: str = ""
    unless_asked: tuple[str, ...] = ()
    only_asked: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a pattern that does not compile, while the recipe is read."""
        check_patterns(*self.unless_asked, *self.only_asked)

    def __call__(self, task: Task) -> Rejection | None:
        """Keep the task (None) or refuse it."""
        detail = self.fault(task)
        if detail and not self._concerns(task.instruction):
            return None
        kind = str(self.__struct_config__.tag)
        return Rejection(self.name or kind, detail) if detail else None

    def fault(self, task: Task) -> str:  # noqa: ARG002 (for rules to say)
        """Say what is wrong with a task; "" when nothing is, as where a rule does not say."""
        return ""

    def _concerns(self, instruction: str) -> bool:
        """Say whether a fault counts, by what is asked; searched only where there is a fault."""
        if any(re.search(asked, instruction) for asked in self.unless_asked):
            return False
        return not self.only_asked or any(
            re.search(asked, instruction) for asked in self.only_asked
        )


class FieldRule(BaseRule, frozen=True, kw_only=True):
    """A rule on one text of a task.

    With `unless_input`, an instruction passes where each instance has an input: it goes on there.
    """

    field: Field
    unless_input: bool = False

    def fault(self, task: Task) -> str:
        """Judge the field; a draft without instances passes what is about instances."""
        if self.field == "instruction":
            goes_on = bool(task.instances) and all(one.input.strip() for one in task.instances)
            return "" if self.unless_input and goes_on else self.fault_in(task.instruction)
        return next(
            (found for one in task.instances if (found := self.fault_in(getattr(one, self.field)))),
            "",
        )

    def fault_in(self, text: str) -> str:  # noqa: ARG002 (for rules to say)
        """Say what is wrong with a text; "" when nothing is, as where a rule does not say."""
        return ""


_CODE = re.compile(
    r"```|^\s*(?:def|class|import|from|#include|public|private|function|var|let|const|int|String)"
    r"\b[^\n]*[;:({=][ \t]*$|^\s*(?:SELECT|INSERT|UPDATE|DELETE|CREATE|ALTER)\b.*;\s*\Z|\);\s*$",
    re.MULTILINE | re.DOTALL,
)
_MARKS = re.compile(r"[{}<>=|\\]")
_WIDE = "，。、；：？！（）《》「」『』【】"
"""Chinese has these where other scripts have a mark and a space."""


def is_prose(text: str) -> bool:
    """Say whether a text is neither code nor a table: sentences, lists and verse are prose."""
    letters = sum(char.isalpha() or char.isspace() or char in _WIDE for char in text)
    few_marks = len(_MARKS.findall(text)) * 40 <= len(text)
    return letters >= 0.8 * len(text) and few_marks and not _CODE.search(text)


def shortened(text: str, limit: int = 40) -> str:
    """Cut a text for a message."""
    return text if len(text) <= limit else text[: limit - 1] + "\u2026"
