"""The declared filters: each rule looks at one task and keeps it or says why not.

Decides: the closed list of rules that a recipe may name, and what each kind judges. Does not
know: which rules a recipe uses, where word lists lie, or what else is in the pool. Opens no file.

A rule is a frozen struct that is called with a task; its fields are its parameters in a recipe.
A rule whose `field` is "instruction" judges drafts; one on "input" or "output" judges one
instance (it is given the task with that instance alone); `conflicting_outputs` and
`label_imbalance` judge them all.
"""

from typing import Literal

from selfinstruct.rules.base import Count, Positive, Rejection, Share, check_patterns
from selfinstruct.rules.formats import AskedForm
from selfinstruct.rules.instances import (
    ConflictingOutputs,
    Copies,
    InputIsOutput,
    Label,
    LabelImbalance,
    MissingInput,
)
from selfinstruct.rules.language import Language
from selfinstruct.rules.private import PersonalData
from selfinstruct.rules.repetition import Compressible, RepeatedLines, Repetition
from selfinstruct.rules.shape import (
    ControlCharacters,
    FirstCharacter,
    MixedScript,
    NotEmpty,
    Script,
    TaskForm,
    Unfinished,
)
from selfinstruct.rules.wording import (
    BannedEnd,
    BannedPattern,
    BannedStart,
    BannedWords,
    PromptEcho,
    WordCount,
)

Rule = (
    WordCount
    | BannedWords
    | BannedStart
    | BannedEnd
    | BannedPattern
    | FirstCharacter
    | NotEmpty
    | TaskForm
    | Unfinished
    | Repetition
    | RepeatedLines
    | Compressible
    | Copies
    | Script
    | Language
    | MixedScript
    | ControlCharacters
    | PromptEcho
    | InputIsOutput
    | Label
    | MissingInput
    | AskedForm
    | PersonalData
    | ConflictingOutputs
    | LabelImbalance
)

__all__ = [
    "AskedForm",
    "BannedEnd",
    "BannedPattern",
    "BannedStart",
    "BannedWords",
    "Compressible",
    "ConflictingOutputs",
    "ControlCharacters",
    "Copies",
    "Count",
    "FirstCharacter",
    "InputIsOutput",
    "Label",
    "LabelImbalance",
    "Language",
    "MissingInput",
    "MixedScript",
    "NotEmpty",
    "PersonalData",
    "Positive",
    "PromptEcho",
    "Rejection",
    "RepeatedLines",
    "Repetition",
    "Rule",
    "Script",
    "Share",
    "TaskForm",
    "Unfinished",
    "WordCount",
    "check_patterns",
    "scope",
]


def scope(rule: Rule) -> Literal["instruction", "instance", "task"]:
    """Say what a rule judges: a draft, one instance, or a task with all its instances."""
    if isinstance(rule, ConflictingOutputs | LabelImbalance):
        return "task"
    return "instruction" if getattr(rule, "field", "output") == "instruction" else "instance"
