"""The fast tier of ROUGE-L novelty: an index in which a query looks at few texts.

Decides: how the arrays grow, when the order is renewed, and how many processor cores a large
batch is given. Does not know: tokens as text, ids, or texts of more than LONGEST tokens (they
are counted, so that numbers agree, and found by no query).
"""

from collections.abc import Callable
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from selfinstruct.errors import InputError
from selfinstruct.novelty.arrays import grown
from selfinstruct.novelty.f_measure import Scores
from selfinstruct.novelty.pairs import batch as kernels
from selfinstruct.novelty.pairs.bounds import Bounds, longest_query, make_bounds
from selfinstruct.novelty.pairs.keys import Keys, room_for_keys
from selfinstruct.novelty.pairs.order import Analysis, room_for
from selfinstruct.novelty.pairs.postings import (
    MAX_TEXTS,
    Lists,
    new_lists,
    postings_held,
    words_used,
)
from selfinstruct.novelty.pairs.search import Candidates, Texts, room_for_candidates
from selfinstruct.novelty.scan import score
from selfinstruct.novelty.threads import cores_for, share_out

FIRST_REBUILD = 512
LONGEST_SCORED = 4096
"""Tokens up to which `scores` counts by itself: the room it needs grows with their square."""

POSTINGS_PER_SLOT = 4.0
"""At the next rebuild, at most, on average. Half as many take a seventh more memory and save a
twentieth of the time."""


class Batch(NamedTuple):
    """Texts as token numbers, one after the other; text i is tokens[starts[i]:starts[i + 1]]."""

    tokens: NDArray[np.int32]
    starts: NDArray[np.int64]


class Answers(NamedTuple):
    """For each text of a batch the nearest indexed text, or -1, and its score."""

    texts: NDArray[np.int64]
    scores: NDArray[np.float64]


class Index(NamedTuple):
    """What a kernel reads and changes."""

    texts: Texts
    lists: Lists
    bounds: Bounds
    shift: NDArray[np.int64]  # 64 less the bits of a slot number


class Room(NamedTuple):
    """What a kernel needs for itself; no two threads share one."""

    analysis: Analysis
    keys: Keys
    candidates: Candidates


Kernel = Callable[[Batch, Index, Room, tuple[int, int], Answers], int]


class PairIndex:
    """The texts so far, for one threshold from LEAST_THRESHOLD to 1."""

    def __init__(self, threshold: float) -> None:
        self._longest = longest_query(threshold)
        self._rooms = [_room(self._longest)]
        self._next_rebuild = FIRST_REBUILD
        self._index = Index(
            texts=Texts(
                tokens=np.empty(1 << 14, np.int32),
                facts=np.empty(1 << 11, np.uint64),
                weight=np.zeros(1 << 12, np.int32),
                frequency=np.zeros(1 << 12, np.int32),
                possible=np.zeros(1 << 12, np.bool_),
                size=np.zeros(2, np.int64),
            ),
            lists=new_lists(1 << 12, 1 << 15),
            bounds=make_bounds(threshold),
            shift=np.array([64 - 12], np.int64),
        )

    def __len__(self) -> int:
        """Return how many texts there are."""
        return int(self._index.texts.size[0])

    def nearest(self, batch: Batch, *, cores: int | None = None) -> Answers:
        """Look texts up and insert none. A token that no text has may be -1.

        A large batch is shared out to the cores there are, or to `cores`.
        """
        answers = _answers(batch)
        batch = Batch(self._known(batch.tokens), batch.starts)
        count = len(batch.starts) - 1
        cores = max(1, cores_for(count) if cores is None else cores)
        while len(self._rooms) < cores:
            self._rooms.append(_room(self._longest))

        def look_up(part: int, first: int, last: int) -> None:
            kernels.look_up(batch, self._index, self._rooms[part], (first, last), answers)

        share_out(count, cores, look_up)
        return answers

    def admit(self, batch: Batch) -> Answers:
        """Look texts up in order, and insert each that has no match."""
        answers = _answers(batch)
        self._feed(batch, kernels.admit, answers)
        return answers

    def insert(self, batch: Batch) -> None:
        """Insert texts without looking them up."""
        self._feed(batch, kernels.insert, _answers(batch))

    def texts(self) -> Batch:
        """Return all texts."""
        texts = self._index.texts
        size, tokens = texts.size.tolist()
        starts = np.append(texts.facts[1 : 2 * size : 2] >> np.uint64(24), np.uint64(tokens))
        return Batch(texts.tokens[:tokens].copy(), starts.astype(np.int64))

    def scores(self, query: list[int]) -> Scores:
        """Return the score of a text with every one in the index."""
        scores = np.zeros(len(self))
        if len(query) > LONGEST_SCORED:
            tokens, starts = (array.tolist() for array in self.texts())
            return score(query, [tokens[first:last] for first, last in pairwise(starts)])
        if query:
            tokens = self._known(np.array(query, np.int32))
            kernels.score_all(tokens, self._index.texts, _room(len(query)), scores)
        return scores

    def _known(self, tokens: NDArray[np.int32]) -> NDArray[np.int32]:
        """Return tokens with those that the index has no room for as -1: no text has them."""
        return np.where(tokens < len(self._index.texts.weight), tokens, np.int32(-1))

    @property
    def memory(self) -> dict[str, int]:
        """Return the bytes in use, by what they hold."""
        texts, lists = self._index.texts, self._index.lists
        count, tokens = texts.size.tolist()
        per_token = sum(one.itemsize for one in (texts.weight, texts.frequency, texts.possible))
        return {
            "tokens": tokens * texts.tokens.itemsize,
            "facts": 2 * count * texts.facts.itemsize,
            "heads": lists.heads.nbytes,
            "blocks": words_used(lists) * lists.blocks.itemsize,
            "vocabulary": len(texts.weight) * per_token,
        }

    def rebuild(self) -> None:
        """Renew the order from today's frequencies, and post all texts again.

        Done whenever the number of texts has doubled: the cost, shared out, is constant.
        """
        texts, lists, _, shift = self._index
        count = max(1, len(self))
        per_text = max(8.0, postings_held(lists) / count)
        bits = max(12, int(np.ceil(np.log2(2 * count * per_text / POSTINGS_PER_SLOT))))
        room = max(len(lists.blocks), int(2.4 * words_used(lists)))
        shift[0] = 64 - bits
        np.copyto(texts.weight, texts.frequency)
        np.greater(texts.frequency, 0, out=texts.possible)
        del lists  # the old arrays go before the new ones come
        self._index = self._index._replace(lists=new_lists(1 << bits, room))
        done = 0
        while done < len(self):
            done = kernels.post_again(self._index, self._rooms[0], done)
            if done < len(self):
                self._grow_blocks()
        self._next_rebuild = max(FIRST_REBUILD, 2 * len(self))

    def _feed(self, batch: Batch, kernel: Kernel, answers: Answers) -> None:
        """Run a kernel over a batch, growing blocks and rebuilding where it is time."""
        self._make_way(batch)
        done, count = 0, len(batch.starts) - 1
        while done < count:
            last = min(count, done + self._next_rebuild - len(self))
            reached = kernel(batch, self._index, self._rooms[0], (done, last), answers)
            if reached < last:
                self._grow_blocks()
            done = reached
            if len(self) >= self._next_rebuild:
                self.rebuild()

    def _make_way(self, batch: Batch) -> None:
        """See to it that all of a batch can be inserted, but for its postings."""
        texts = self._index.texts
        count, tokens = texts.size.tolist()
        count += len(batch.starts) - 1
        tokens += len(batch.tokens)
        vocabulary = int(batch.tokens.max(initial=0)) + 1
        if count > MAX_TEXTS:
            message = f"the novelty index holds at most {MAX_TEXTS:,} texts"
            raise InputError(message, hint="split the dataset, or lower the threshold")
        has_room = 2 * count <= len(texts.facts) and tokens <= len(texts.tokens)
        if has_room and vocabulary <= len(texts.weight):
            return  # as for most batches
        self._index = self._index._replace(
            texts=texts._replace(
                tokens=grown(texts.tokens, tokens),
                facts=grown(texts.facts, 2 * count),
                weight=grown(texts.weight, vocabulary),
                frequency=grown(texts.frequency, vocabulary),
                possible=grown(texts.possible, vocabulary),
            )
        )

    def _grow_blocks(self) -> None:
        """Make blocks half as large again."""
        lists = self._index.lists
        blocks = grown(lists.blocks, len(lists.blocks) * 3 // 2)
        self._index = self._index._replace(lists=lists._replace(blocks=blocks))


def _answers(batch: Batch) -> Answers:
    """Return room for the answers of a batch."""
    count = len(batch.starts) - 1
    return Answers(np.full(count, -1, np.int64), np.zeros(count))


def _room(longest: int) -> Room:
    """Return room for one thread."""
    return Room(room_for(longest), room_for_keys(longest), room_for_candidates(longest))
