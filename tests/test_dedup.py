"""Dedup: of rows that are alike the first stays, and every other one is accounted for."""

from collections.abc import Sequence
from pathlib import Path

import pytest
import strategies
from hypothesis import given
from hypothesis import strategies as st

from selfinstruct.dedup import Compared, Dedup, Duplicate, Exact, Kept, Place, Register, compared
from selfinstruct.novelty import Novelty, RougeL
from selfinstruct.novelty.minhash import MinHash
from selfinstruct.tables import TableRow
from selfinstruct.task import clean, task_id


def judge_of(name: str) -> Novelty:
    """Return a fresh judge."""
    if name == "exact":
        return Exact()
    return RougeL(0.6) if name == "rouge" else MinHash(0.5)


def rows_of(texts: Sequence[str], file: str = "a.jsonl") -> list[Compared]:
    """Return a row for each text."""
    return [
        Compared(TableRow(file=Path(file), number=number, columns={"text": text}), text)
        for number, text in enumerate(texts, 1)
    ]


judges = st.sampled_from(("exact", "rouge", "minhash"))
several = st.lists(st.one_of(strategies.sentences, strategies.texts, st.just(" ")), max_size=20)


def verdicts_of(
    name: str, texts: Sequence[str], *, batch: int = 1024, known: Sequence[str] = ()
) -> list[Kept | Duplicate]:
    """Return what becomes of some texts."""
    with Register(texts=True) as register:
        work = Dedup(judge_of(name), register, by=name, batch=batch)
        work.know(rows_of(known, "known.jsonl"))
        return list(work.verdicts(rows_of(texts)))


@given(judges, several, st.integers(1, 5), several)
def test_batches_change_nothing(name: str, texts: list[str], batch: int, known: list[str]) -> None:
    """One row at a time or all at once: every verdict is the same, to the last score."""
    whole = verdicts_of(name, texts, known=known)
    assert verdicts_of(name, texts, batch=batch, known=known) == whole


@given(judges, several, several)
def test_every_row_is_kept_or_dropped_in_order(
    name: str, texts: list[str], known: list[str]
) -> None:
    """Kept and dropped rows are the input; what one is like was kept before it, or is known."""
    found = verdicts_of(name, texts, known=known)
    numbers = [one.row.number if isinstance(one, Kept) else one.dropped.row for one in found]
    assert numbers == list(range(1, len(texts) + 1))
    kept: set[int] = set()
    for one in found:
        if isinstance(one, Kept):
            kept.add(one.row.number)
            assert one.blank == (not texts[one.row.number - 1].strip())
            continue
        assert 0 < one.score <= 1
        assert one.by == name
        assert one.dropped_text == clean(texts[one.dropped.row - 1])
        before = known if one.kept.file == "known.jsonl" else texts
        assert one.kept_text == clean(before[one.kept.row - 1])
        if one.why == "came first":
            assert one.kept.file == "a.jsonl"
            assert one.kept.row in kept
        else:
            assert (one.why, one.kept.file) == ("known already", "known.jsonl")


@given(judges, several)
def test_what_is_kept_stays(name: str, texts: list[str]) -> None:
    """A second pass over the rows that were kept drops nothing."""
    kept = [
        str(one.row.columns["text"]) for one in verdicts_of(name, texts) if isinstance(one, Kept)
    ]
    assert all(isinstance(one, Kept) for one in verdicts_of(name, kept))


@given(several)
def test_exact_is_equality_of_ids(texts: list[str]) -> None:
    """Texts are the same when their ids are: white space and Unicode form aside."""
    texts = [clean(text) for text in texts if text.strip()]
    found = verdicts_of("exact", texts)
    ids = [task_id(text) for text in texts]
    for place, one in enumerate(found):
        first = ids.index(ids[place])
        if isinstance(one, Kept):
            assert first == place
        else:
            assert (one.kept.row, one.score) == (first + 1, 1.0)


@given(several)
def test_exact_follows_the_protocol(texts: list[str]) -> None:
    """`admit` is `nearest` then `add` for each."""
    batch, single = Exact(), Exact()
    pairs = [(str(place), text) for place, text in enumerate(texts)]
    expected = []
    for name, text in pairs:
        expected.append(match := single.nearest(text))
        if match is None:
            single.add(name, text)
    assert batch.admit(pairs) == expected


def test_half_characters_are_not_the_same() -> None:
    """Texts that differ only in a lone surrogate differ; their report can still be written."""
    found = verdicts_of("exact", ["a\ud800", "a\ud801", "a\ud800"])
    assert [isinstance(one, Kept) for one in found] == [True, True, False]
    assert isinstance(found[2], Duplicate)
    assert found[2].kept_text == "a\ufffd"


def test_blank_rows_are_kept_once_for_each_content() -> None:
    """Rows without text are only dropped when they are equal to the last byte."""
    rows = [
        Compared(TableRow(file=Path("a"), number=n, columns={}, raw=raw), " ")
        for n, raw in enumerate((b'{"id":1}', b'{"id": 1}', b'{"id":1}', b'{"id":2}'), 1)
    ]
    with Register() as register:
        found = list(Dedup(RougeL(0.0), register, by="rouge").verdicts(rows))
    assert [isinstance(one, Kept) and one.blank for one in found] == [True, True, False, True]
    assert found[2] == Duplicate(Place("a", 3), Place("a", 1), 1.0, "rouge", "came first")


def test_known_rows_do_not_hide_one_another() -> None:
    """A known row counts even where it is like another known row."""
    known = ["a b c d e f", "a b c d e g h"]
    (found,) = verdicts_of("rouge", ["a b x d e g h"], known=known)
    assert isinstance(found, Duplicate)
    assert found.kept == Place("known.jsonl", 2)


def test_each_file_has_its_shape() -> None:
    """The first row of a file says what is compared in it; the one who asks is told."""
    rows = [
        TableRow(file=Path("a"), number=1, columns={"instruction": "A", "output": "B"}),
        TableRow(file=Path("a"), number=2, columns={"instruction": "C"}),
        TableRow(file=Path("b"), number=1, columns={"question": "Q", "answer": "A"}),
    ]
    told: list[str] = []
    pairs = compared(rows, found=lambda row, shape: told.append(f"{row.file} {shape.name}"))
    assert [text for _, text in pairs] == ["A\nB", "C", "Q\nA"]
    assert told == ["a alpaca", "b question-answer"]
    assert [text for _, text in compared(rows, whole=False)] == ["A", "C", "Q"]
    assert [text for _, text in compared(rows[:2], columns=["output"])] == ["B", ""]


@pytest.mark.parametrize("texts", [False, True])
def test_a_register_knows_places_and_texts(*, texts: bool) -> None:
    """Every id leads to its row, and to its text where texts are kept."""
    with Register(texts=texts) as register:
        pairs = [*rows_of(["é", "", "b"], "x"), *rows_of(["c"], "y"), *rows_of(["d"], "x")]
        names = [register.note(row, text) for row, text in pairs]
        assert [register.place(name) for name in names] == [
            Place(str(row.file), row.number) for row, _ in pairs
        ]
        expected = [text if texts else "" for _, text in pairs]
        assert [register.text(name) for name in reversed(names)] == expected[::-1]
