"""The marks of answers: where an output ends by stating its answer, the answer is found.

tests/cases/answer_marks.jsonl has outputs with the answer that the marks of a language find at
their end (null: none), and why.
"""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from selfinstruct.export.rationale import reasoned

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "selfinstruct" / "export" / "templates"
LANGUAGES = sorted(path.name for path in FOLDER.iterdir() if path.is_dir())
WORDLESS = "any"

# Answers that the targets of a language are tried with.
TOLD = {"en": ("7", "(b) no, 3.5", '"yes"'), "zh": ("7", "(b) 3.5元", "“北京”")}


def read(language: str) -> dict[str, Any]:
    """Return the wordings and marks of reasoning in a language."""
    path = FOLDER / language / "reasoning.toml"
    return tomllib.loads(path.read_text(encoding="utf-8"))


def case_rows() -> list[dict[str, str | None]]:
    """Read the cases of the answer marks."""
    path = ROOT / "tests" / "cases" / "answer_marks.jsonl"
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def answer(language: str, output: str) -> str | None:
    """Return the answer that the marks of a language agree on, None where none matches."""
    marks = read(language)["answer_marks"]
    found = {match["answer"] for mark in marks if (match := re.search(mark, output))}
    assert len(found) <= 1, found
    return next(iter(found), None)


@pytest.mark.parametrize("language", LANGUAGES)
def test_answers_written_are_found_again(language: str) -> None:
    """The marks of a language find the answer in each of its own targets."""
    for name in ("with_input", "without_input"):
        for entry in read(language)[name]:
            for told in TOLD.get(language, ("7",)):
                target = entry["targets"].replace("{rationale}", "3 + 4 = 7!")
                assert answer(language, target.replace("{answer}", told)) == told, entry


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_marks_find_has_an_answer_word(language: str) -> None:
    """The words without which an output is not searched hide none of the answers."""
    words, marks = (read(language)[name] for name in ("answer_words", "answer_marks"))
    for row in case_rows():
        if row["language"] == language and row["output"] and row["answer"]:
            long = "It takes a while to see why this is so. " + row["output"]
            found = reasoned(long, words, marks)
            assert found
            assert found.answer == row["answer"]


@pytest.mark.parametrize("row", case_rows(), ids=lambda row: f"{row['language']}-{row['why']}")
def test_an_answer_is_found_at_the_end_only(row: dict[str, str]) -> None:
    """The marks find what a person would call the final answer, and nothing in other outputs."""
    assert answer(row["language"], row["output"]) == row["answer"], row["why"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_marks_are_well_formed_and_have_their_cases(language: str) -> None:
    """A mark has the group `answer` alone, keeps to the end, and is linear on hostile text."""
    marked = (". The answer is ", "。答案是", "a\n#### a ", ".\nAnswer:")
    # On these, a mark that backtracks runs into the time limit of the suite.
    hostile = ["x." + text * 20_000 + "a\n\nb?" for text in ("\n", " ", ".", "*", "。", *marked)]
    for mark in read(language)["answer_marks"]:
        assert set(re.compile(mark).groupindex) == {"answer"}
        assert mark.endswith(r"\Z")
        assert not any(re.search(mark, text) for text in hostile)
    mine = [row for row in case_rows() if row["language"] == language]
    found = sum(row["answer"] is not None for row in mine)
    if language != WORDLESS:
        assert min(found, len(mine) - found) >= 12
