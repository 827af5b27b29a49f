"""The noun of the program: a task, its instances, and where it came from.

Decides: what a task is, how its id follows from its instruction, and its JSON form.
Does not know: files, models, or whether a task is any good.
"""

import re
import unicodedata
from collections.abc import Sequence
from hashlib import blake2b

import msgspec

ID_DIGITS = 16
"""Hexadecimal digits in an id: 64 bits, so ten million tasks collide with probability 3e-6."""

_SURROGATE = re.compile("[\ud800-\udfff]")


class Instance(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One worked example of a task; `input` is empty where the instruction says it all."""

    input: str
    output: str


class Origin(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """Where a task came from.

    `kind` is "seed", "generated" or "augmented". A seed has `source` (file and its id there).
    A generated task has its round, the key of the completion that proposed it (with the item's
    place in the reply after "#"), the ids shown in the prompt, and the model with its revision.
    `licence` is the seed file's, or the model's for generated text. Where the recipe asks for it,
    `similar` has the earlier tasks most similar to it when it was proposed, each with its score,
    and `mean_similarity` the mean over all of them.
    """

    kind: str
    source: str = ""
    round: int = 0
    prompt: str = ""
    parents: tuple[str, ...] = ()
    model: str = ""
    revision: str = ""
    method: str = ""
    licence: str = ""
    similar: tuple[tuple[str, float], ...] = ()
    mean_similarity: float = 0.0


class Judgement(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a model says of one instance: the paper's three questions (its table 2), and a score.

    Each question has the share of `votes` that said yes, 0 to 1; `score` is the mean of their
    scores, 1 to 5.
    """

    valid_task: float
    input_fits: float
    output_correct: float
    score: float
    votes: int
    model: str
    revision: str = ""


class Task(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An instruction with its instances. A draft is a task that has no instances yet.

    Where a judge was asked, `judgements` has one for each instance, and where it was measured,
    `difficulties` has the instruction-following difficulty of each (None where it could not be);
    elsewhere rows have no such fields.
    """

    id: str
    instruction: str
    instances: tuple[Instance, ...]
    is_classification: bool | None
    language: str
    origin: Origin
    category: str = ""
    judgements: tuple[Judgement, ...] | msgspec.UnsetType = msgspec.UNSET
    difficulties: tuple[float | None, ...] | msgspec.UnsetType = msgspec.UNSET


def digest(text: str, digits: int = ID_DIGITS) -> str:
    """Return `digits` hexadecimal digits that depend on the text alone (BLAKE2b)."""
    return blake2b(text.encode("utf-8", "replace"), digest_size=digits // 2).hexdigest()


def folded(text: str) -> str:
    """Return a text that is the same for all that differ in white space or Unicode form only."""
    return " ".join((text if text.isascii() else unicodedata.normalize("NFC", text)).split())


def task_id(instruction: str) -> str:
    """Return the id of an instruction: equal for texts that differ in white space or form only."""
    return digest(folded(instruction))


def clean(text: str) -> str:
    """Replace lone surrogates, which no UTF-8 file can hold; every other character stays."""
    return text if text.isascii() else _SURROGATE.sub("\ufffd", text)


def new_task(
    instruction: str,
    *,
    origin: Origin,
    language: str,
    instances: tuple[Instance, ...] = (),
    is_classification: bool | None = None,
    category: str = "",
) -> Task:
    """Build a task, giving it the id of its instruction."""
    return Task(
        id=task_id(instruction),
        instruction=instruction,
        instances=instances,
        is_classification=is_classification,
        language=language,
        origin=origin,
        category=category,
    )


def singles(task: Task) -> list[Task]:
    """Return a task once for each of its instances, each with what is known of that one."""
    judged, measured = task.judgements, task.difficulties
    return [
        msgspec.structs.replace(
            task,
            instances=(instance,),
            judgements=judged if judged is msgspec.UNSET else judged[number : number + 1],
            difficulties=measured if measured is msgspec.UNSET else measured[number : number + 1],
        )
        for number, instance in enumerate(task.instances)
    ]


def joined(parts: Sequence[Task]) -> Task:
    """Return one task with the instances of all parts, and with what is known of each."""
    judged = tuple(one for part in parts for one in part.judgements or ())
    measured = tuple(one for part in parts for one in part.difficulties or ())
    return msgspec.structs.replace(
        parts[0],
        instances=tuple(one for part in parts for one in part.instances),
        judgements=judged or msgspec.UNSET,
        difficulties=measured or msgspec.UNSET,
    )


def to_json(row: object) -> bytes:
    """Encode a row as one line of JSON: UTF-8, fields in declared order, no newline inside."""
    return msgspec.json.encode(row)
