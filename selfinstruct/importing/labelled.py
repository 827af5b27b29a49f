"""A labelled dataset to classification tasks: which columns, which labels, which rows.

Decides: what the labels are called, and which rows stand in which task: as many of each label as
can be, the same for any order of the rows, no row in two tasks while there are others. Does not
know: how a task is put into words, or files.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import msgspec

from selfinstruct.errors import InputError, unknown_name
from selfinstruct.importing.rows import text_of
from selfinstruct.importing.wording import Wording, filled
from selfinstruct.seeds import MAX_LINE, SeedLine
from selfinstruct.tables import TableRow
from selfinstruct.tables.shapes import Columns, listed, need_columns
from selfinstruct.task import Instance, digest, to_json

TEXTS = ("text", "sentence", "content", "review", "文本", "内容", "评论", "句子")
LABELS = (
    *("label", "labels", "category", "class", "intent", "sentiment"),
    *("标签", "类别", "情感", "意图"),
)
"""Names of columns, in letters of either case, that say what they hold."""

MAX_LABELS = 30
"""An instruction that names more is longer than its texts; often it is the wrong column."""

MAX_TEXT = 8192
"""Characters of a text, some two thousand tokens: an example has to leave room in a prompt."""

_NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?")


class Labelled(msgspec.Struct, frozen=True):
    """The texts of each label, and how many rows were left out, by reason."""

    texts: dict[str, list[str]]
    left_out: dict[str, int]


class Draw(NamedTuple):
    """How rows are drawn: instances in a task, the seed of the draw, and what tasks are called."""

    instances: int
    seed: int
    name: str

    def key(self, text: str) -> str:
        """Return what a text is drawn by."""
        return digest(f"{self.seed} {text}")

    def shares(self, labels: Sequence[str], number: int) -> dict[str, int]:
        """Return how many instances of each label a task has; what is over goes round by task."""
        each, over = divmod(self.instances, len(labels))
        first = number * over
        favoured = {labels[(first + place) % len(labels)] for place in range(over)}
        return {label: each + (label in favoured) for label in labels}


def find_column(
    given: str, what: str, known: Sequence[str], columns: Columns, *, but: str = ""
) -> str:
    """Return the column that is given, else the only one with a known name; `what` is its option.

    Raises InputError for one that is not there, for none, and for more than one.
    """
    if given:
        need_columns([given], columns)
        return given
    fitting = [name for name in columns if name.casefold() in known and name != but]
    if len(fitting) != 1:
        found = f"several could be: {listed(dict.fromkeys(fitting))}" if fitting else "none is"
        message = f"cannot tell which column has the {what}: {found}"
        hint = f"say which: --{what} COL; there are: {listed(columns)}"
        raise InputError(message if fitting else f"{message} called {known[0]!r}", hint=hint)
    return fitting[0]


def read_labelled(rows: Iterable[TableRow], text: str, label: str) -> Labelled:
    """Sort the texts of rows by their labels; rows that teach nothing are left out and counted.

    Those are rows without text or label, or with something else there; texts longer than
    MAX_TEXT; a text that was there before; and every text that has two labels.
    """
    labels: dict[str, str] = {}
    torn: set[str] = set()
    left_out: Counter[str] = Counter()
    for row in rows:
        try:
            said = _usable(row.columns.get(text), text)
            name = _label(row.columns.get(label), label)
        except InputError as error:
            left_out[str(error)] += 1
            continue
        if said in labels:
            left_out[f"the same {text!r} was there before"] += 1
        if labels.setdefault(said, name) != name:
            torn.add(said)
    texts: dict[str, list[str]] = {}
    for said, name in labels.items():
        if said in torn:
            left_out[f"the same {text!r} has two labels"] += 1
        else:
            texts.setdefault(name, []).append(said)
    return Labelled(texts, dict(left_out))


def name_labels(
    labels: Iterable[str], given: Mapping[str, str], *, keep_numbers: bool
) -> dict[str, str]:
    """Return the name of each label, in the order in which instructions list them.

    That is the order of `given` (names by label), then that of numbers or letters. Raises
    InputError for numbers without names, for labels that no row has, for one and for too many.
    """
    found = sorted(labels, key=_in_order)
    for label in given:
        if label not in found:
            raise unknown_name("label in --labels", label, found)
    names = {label: given.get(label, label) for label in (*given, *found)}
    count = len(set(names.values()))
    if count > MAX_LABELS:
        shown = ", ".join(repr(name) for name in found[:3])
        hint = "is it another column? --label COL; or join labels: --labels a=x,b=x"
        message = f"there are {count:,} labels ({shown}, …); at most {MAX_LABELS} fit in a task"
        raise InputError(message, hint=hint)
    bare = [label for label in found if label not in given and _NUMBER.fullmatch(label)]
    if bare and len(bare) == len(found) - len(given) and not keep_numbers:
        wanted = ",".join(f"{label}=NAME" for label in bare)
        hint = f"say what they mean: --labels {wanted}; or --keep-numbers"
        raise InputError(f"labels are numbers: {', '.join(bare)}", hint=hint)
    if count < 2:
        said = f"every row has the label {found[0]!r}" if found else "no row has a text and a label"
        raise InputError(f"{said}: nothing to tell apart", hint="check --text and --label")
    return names


def make_tasks(
    texts: Mapping[str, Sequence[str]],
    wordings: Sequence[Wording],
    draw: Draw,
    *,
    language: str,
    task: str,
) -> list[SeedLine]:
    """Return a seed for each wording; `texts` has those of each label by its name, in order.

    Each row is drawn by the digest of its text: other orders of the rows give the same seeds.
    """
    shuffled = {name: sorted(those, key=draw.key) for name, those in texts.items()}
    used: Counter[str] = Counter()
    seeds: list[SeedLine] = []
    for number, wording in enumerate(wordings):
        instances: list[Instance] = []
        for name, count in draw.shares(list(texts), number).items():
            those = shuffled[name]
            places = range(used[name], used[name] + min(count, len(those)))
            instances += [Instance(those[place % len(those)], name) for place in places]
            used[name] += len(places)
        instances.sort(key=lambda one: digest(f"{wording.id} {draw.key(one.input)}"))
        seed = SeedLine(
            instruction=filled(wording, language, list(texts), task),
            instances=tuple(instances),
            is_classification=True,
            id=f"{draw.name}-{wording.id}",
            language=language,
        )
        if len(to_json(seed)) >= MAX_LINE:
            message = f"a seed of {draw.instances} instances would be longer than {MAX_LINE:,}"
            raise InputError(f"{message} bytes", hint="take fewer: --instances N")
        seeds.append(seed)
    return seeds


def _usable(value: object, what: str) -> str:
    """Return a text that an example can show; raise InputError for another."""
    said = text_of(value, what)
    if not said.strip():
        raise InputError(f"{what!r} is empty")
    if len(said) > MAX_TEXT:
        raise InputError(f"{what!r} is longer than {MAX_TEXT:,} characters")
    return said


def _label(value: object, what: str) -> str:
    """Return a label as text: a whole number has no decimals, white space around it is none."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    name = " ".join(text_of(value, what).split())
    if not name:
        raise InputError(f"{what!r} is empty")
    return name


def _in_order(label: str) -> tuple[bool, float, str]:
    """Sort numbers by size, before names."""
    is_number = bool(_NUMBER.fullmatch(label))
    return (not is_number, float(label) if is_number else 0.0, label)
