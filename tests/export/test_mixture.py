"""Mixtures, splits, chat turns and separators: what a row is given besides its wording."""

import re
from collections import Counter
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from export.made import row, rows, texts
from selfinstruct.errors import InputError
from selfinstruct.export.base import Row
from selfinstruct.export.dates import DateColumns
from selfinstruct.export.flan import Flan
from selfinstruct.export.messages import SystemPrompts, messages, system_prompts
from selfinstruct.export.mixture import TYPES, Rate, Selection, load_mixture
from selfinstruct.export.prompt_completion import prompt_completion
from selfinstruct.export.raw import raw
from selfinstruct.export.split import parse_split, split_of

MIXTURE = load_mixture()


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("[types]\nzs_opts = { rate = 1 }", "did you mean 'zs_opt'"),
        ("[types]\nzs_opt = { rat = 1 }", "unknown field `rat`"),
        ("[types]\nzs_opt = { rate = -1 }", ">= 0.0"),
        ("[types]\ninversion = { rate = 1.5 }", "at most 1, got 1.5"),
        ("[categories]\na = { rate = 2 }", "categories.a"),
        ("[few_shot]\ninline = 3", "<= 1.0"),
        ("templates_per_row = 0", ">= 1"),
        ("template = 1", "unknown field `template`"),
        ("[types", "not TOML"),
        (
            "[types]\n" + "".join(f"{kind} = {{ rate = 0 }}\n" for kind in TYPES),
            "no type has a rate",
        ),
    ],
)
def test_a_faulty_mixture_is_named(text: str, part: str, tmp_path: Path) -> None:
    """What a mixture cannot say is an error with its file, and a hint."""
    path = tmp_path / "mixture.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=re.escape(part)) as error:
        load_mixture(path)
    assert "mixture.toml" in str(error.value)
    assert error.value.hint


def test_a_mixture_says_only_what_differs(tmp_path: Path) -> None:
    """What a mixture of one's own leaves out is as in the program's."""
    path = tmp_path / "mixture.toml"
    path.write_text("[types]\nzs_opt = { rate = 3 }\n", encoding="utf-8")
    mixture = load_mixture(path)
    assert mixture.of("zs_opt").rate == 3
    assert mixture.of("zs_noopt") == MIXTURE.of("zs_noopt")
    assert mixture.few_shot == MIXTURE.few_shot


def test_categories_have_their_rate_and_cap() -> None:
    """Of a category about its share of rows is taken, and never more than its cap."""
    rates = {"half": Rate(0.5), "few": Rate(1.0, cap=9), "none": Rate(0.0)}
    selection = Selection(msgspec.structs.replace(MIXTURE, categories=rates))
    taken: Counter[str] = Counter()
    for number in range(2000):
        for name in (*rates, "other"):
            one = row(f"Do {number} for {name}.", ("", "Done."), category=name)
            taken[name] += selection.takes(one)
    assert abs(taken["half"] / 2000 - 0.5) < 0.04
    assert (taken["few"], taken["none"], taken["other"]) == (9, 0, 2000)
    assert selection.left_out["by category"] == 8000 - taken.total()


def test_rows_without_an_answer_are_left_out() -> None:
    """What asks nothing, or has no answer, is nothing to train on."""
    selection = Selection(MIXTURE)
    assert not selection.takes(row("Say it.", ("", " \n")))
    assert not selection.takes(row(" ", ("", "Said.")))
    assert selection.left_out == {"nothing asked or answered": 2}


@given(st.lists(texts, min_size=1), st.sampled_from(["", "test=0.3", "validation=0.2,test=0.3"]))
def test_a_family_has_one_split(names: list[str], shares: str) -> None:
    """The split of a family depends on its name alone."""
    parsed = parse_split(shares)
    first = [split_of(name, parsed) for name in names]
    assert first == [split_of(name, parsed) for name in names]
    assert set(first) <= {"train", *parsed}


def test_splits_have_their_shares() -> None:
    """Over many families each split has about its share."""
    shares = parse_split("validation=0.1, test=0.05")
    found = Counter(split_of(f"task {n}", shares) for n in range(10_000))
    for name, share in {"train": 0.85, "validation": 0.1, "test": 0.05}.items():
        assert abs(found[name] / 10_000 - share) < 0.01


@given(rows)
def test_a_chat_holds_the_texts(one: Row) -> None:
    """A chat row has the instruction with its input, then the answer, byte for byte."""
    (line,) = messages(SystemPrompts())(one)
    asked, answered = line.messages
    assert (asked.role, answered.role) == ("user", "assistant")
    assert asked.content.startswith(one.task.instruction)
    assert asked.content.endswith(one.instance.input if one.instance.input.strip() else "")
    assert answered.content == one.instance.output


def test_system_prompts_vary_by_row() -> None:
    """Every prompt is used, some rows have none, and a row keeps its own."""
    for given_prompts in (system_prompts("varied"), SystemPrompts(own=("Be brief.", "Be kind."))):
        seen: Counter[str] = Counter()
        for number in range(600):
            one = row(f"Do {number}.", ("", "Done."))
            (line,) = messages(given_prompts)(one)
            assert line == next(messages(given_prompts)(one))
            first = line.messages[0]
            seen[first.content if first.role == "system" else ""] += 1
        many = len(given_prompts.own) or 12
        assert len(seen) == many + 1
        assert min(seen.values()) > 300 / (many + 1)


def test_system_prompts_of_ones_own_are_read_by_line(tmp_path: Path) -> None:
    """A file has a prompt on each line; empty lines are none, and a file without any is refused."""
    path = tmp_path / "system.txt"
    path.write_text("Be brief.\n\nBe kind.\n", encoding="utf-8")
    assert system_prompts(str(path)).own == ("Be brief.", "Be kind.")
    path.write_text("\n", encoding="utf-8")
    with pytest.raises(InputError, match="no line has a prompt"):
        system_prompts(str(path))


@given(rows)
def test_prompt_and_completion_join_as_flan_does(one: Row) -> None:
    """They are Flan's texts with white space between: a space after a label, else a line break."""
    for flan, line in zip(Flan(MIXTURE)(one), prompt_completion(Flan(MIXTURE))(one), strict=True):
        kept = flan.inputs.rstrip()
        if kept.endswith(":"):
            assert (line.prompt, line.completion) == (kept, f" {flan.targets}")
        else:
            assert (line.prompt, line.completion) == (f"{kept}\n", flan.targets)


def test_a_raw_row_is_a_whole_task() -> None:
    """A task has one raw row, with all instances and its origin."""
    pairs = [("a", "b"), ("c", "d")]
    (line,) = raw(row("Sort.", *pairs))
    assert not list(raw(row("Sort.", *pairs, number=1)))
    assert [(one.input, one.output) for one in line.instances] == pairs
    origin = msgspec.json.decode(line.origin)
    assert origin == {
        "kind": "generated",
        "round": 1,
        "parents": ["a", "b"],
        "licence": "Apache-2.0",
    }


class Inner(msgspec.Struct):
    """A struct in a row."""

    when: str


class Dated(msgspec.Struct):
    """A row with text columns."""

    day: str
    other: str
    inner: Inner
    count: int = 0


@pytest.mark.parametrize(
    ("day", "is_date"),
    [
        ("2024-01-01", True),
        ("2024-01-01T10:00", True),
        ("2024-01-01 10:00:59+0200", True),
        ("", False),
        ("2024-1-1", False),
        (" 2024-01-01", False),
        ("2024-01-01\n", False),
        ("2024-01-01 was a Monday", False),
        ("20240101", False),
        ("２０２４-01-01", False),
    ],
)
def test_columns_of_dates_are_noticed(day: str, is_date: bool) -> None:  # noqa: FBT001
    """A column is of dates when every value is one: a single other text is enough."""
    dates = DateColumns(Dated)
    dates.see(Dated(day, "a", Inner(day)))
    assert dates.found() == (["day", "inner.when"] if is_date else [])
    dates.see(Dated("soon", "b", Inner(day)))
    assert dates.found() == (["inner.when"] if is_date else [])
    assert not DateColumns(Dated).found()
