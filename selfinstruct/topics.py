"""Topics: what grown tasks are to be about, how many of each, and whose turn it is.

Decides: the form of a topic file, and which topic a slot of a round is given. Does not know: how
a model is asked for a topic, or what it makes of it.
"""

import heapq
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from random import Random

import msgspec

from selfinstruct.errors import InputError
from selfinstruct.resources import read_text
from selfinstruct.task import digest, folded, to_json

MAX_LENGTH = 100
"""Characters of a topic. It is put into a prompt: a longer one is a text, or a mistake."""

HINT = 'one topic a line, a quota after a tab if there is one: "cooking<TAB>20"; "#" comments'


class Topic(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What tasks are to be about; at most `quota` of them are grown (0: any number)."""

    name: str
    quota: int = 0


class Steering(msgspec.Struct, frozen=True, kw_only=True):
    """What a run was told to be about: `topics` that were given, or how many to `generate`."""

    topics: tuple[Topic, ...] = ()
    generate: int = 0

    def fingerprint(self) -> str:
        """Return what must be equal for a run to be resumed."""
        if self.generate:
            return f"{self.generate} generated"
        return f"{len(self.topics)} given {digest(to_json(self.topics).decode(), 32)}"


class Turn(msgspec.Struct, frozen=True):
    """What a slot of a round asks for: at most `new` tasks about a topic ("": anything)."""

    topic: str
    new: int


def same(name: str) -> str:
    """Return a text that is equal for topics that differ in case, form or white space only."""
    return folded(name).casefold()


def load_topics(path: Path) -> tuple[Topic, ...]:
    """Read a topic file: a topic a line, with its quota after a tab, or without one.

    Empty lines and those that begin with "#" are passed over. Raises InputError with file and
    line for a line that is not a topic, or one that is there twice; with the file, for none.
    """
    found: list[Topic] = []
    lines: dict[str, int] = {}
    for number, line in enumerate(read_text(path, hint=HINT).split("\n"), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        place = f"{path}:{number}"
        topic = _topic(line, place)
        first = lines.setdefault(same(topic.name), number)
        if first != number:
            message = f"{place}: the topic {topic.name!r} stands in line {first} already"
            raise InputError(message, hint="leave one of them out")
        found.append(topic)
    if not found:
        raise InputError(f"{path} holds no topic", hint=HINT)
    return tuple(found)


def _topic(line: str, place: str) -> Topic:
    """Read one line."""
    given, tab, quota = line.strip(" \r").partition("\t")
    name = " ".join(given.split())
    quota = quota.strip()
    if not name:
        raise InputError(f"{place}: there is no topic before the tab", hint=HINT)
    if not any(char.isalnum() for char in name):
        raise InputError(f"{place}: {name!r} is not a topic: it has no letter", hint=HINT)
    if bad := next((char for char in name if unicodedata.category(char) == "Cc"), ""):
        raise InputError(f"{place}: a topic with the control character {bad!r}", hint=HINT)
    if len(name) > MAX_LENGTH:
        message = f"{place}: a topic of {len(name)} characters, expected at most {MAX_LENGTH}"
        raise InputError(message, hint=HINT)
    if not tab or not quota:
        return Topic(name)
    if not re.fullmatch("0*[1-9][0-9]{0,8}", quota):
        message = f"{place}: the quota is {quota!r}, expected a whole number from 1 on"
        raise InputError(message, hint=HINT)
    return Topic(name, int(quota))


def full(topics: Sequence[Topic], counts: Mapping[str, int]) -> bool:
    """Say whether every topic has its quota; topics without one are never full."""
    return bool(topics) and all(
        topic.quota and counts.get(topic.name, 0) >= topic.quota for topic in topics
    )


def bound(topics: Sequence[Topic]) -> int:
    """Return how many tasks all quotas allow together; 0 where a topic has none."""
    return sum(topic.quota for topic in topics) if all(t.quota for t in topics) else 0


def deal(
    topics: Sequence[Topic], counts: Mapping[str, int], random: Random, *, slots: int, new: int
) -> Iterator[Turn]:
    """Deal the slots of a round, the topic that has the fewest tasks for its quota first.

    `counts` has the accepted tasks of each topic; what a slot asks for counts as if it were
    accepted, so no quota can be exceeded, and a round has fewer slots when little is left. A
    topic without a quota is measured by the largest quota there is. Among equals chance decides.
    """
    widest = max((topic.quota for topic in topics), default=0) or 1
    order = list(topics)
    random.shuffle(order)

    def entry(place: int, have: int) -> tuple[Fraction, int, int]:
        return Fraction(have, order[place].quota or widest), place, have

    heap = [entry(place, counts.get(topic.name, 0)) for place, topic in enumerate(order)]
    heapq.heapify(heap)
    while heap and slots:
        _, place, have = heapq.heappop(heap)
        topic = order[place]
        room = min(new, topic.quota - have) if topic.quota else new
        if room > 0:
            yield Turn(topic.name, room)
            slots -= 1
            heapq.heappush(heap, entry(place, have + room))
