"""The rules of `default` and `strict`, name by name: tests/cases/filters/NAME.jsonl.

A row is an instruction with what the rules of that name make of it, and why. It is a draft unless
it has an `output` (with its `input`) or several `instances`. A row with `recipe` holds in that
recipe alone: `strict` has some rules under a name of `default` that judge further fields.
"""

from functools import lru_cache
from pathlib import Path

import msgspec
import pytest

from selfinstruct.recipe import Recipe, load_recipe
from selfinstruct.rules import Rejection, Rule
from selfinstruct.stages.answer import missing_input
from selfinstruct.task import Instance, Origin, Task, new_task

CASES = Path(__file__).parent / "cases" / "filters"
RECIPES = ("default", "strict")
ENOUGH = 10
"""Rows of either kind that a name needs."""


class Case(msgspec.Struct, forbid_unknown_fields=True):
    """One row of a file of cases."""

    instruction: str
    refused: bool
    why: str
    input: str = ""
    output: str | None = None
    instances: tuple[tuple[str, str], ...] = ()
    classification: bool | None = None
    recipe: str | None = None

    def task(self) -> Task:
        """Return the draft or the task that the row stands for."""
        pairs = self.instances if self.output is None else ((self.input, self.output),)
        return new_task(
            self.instruction,
            origin=Origin(kind="generated"),
            language="en",
            instances=tuple(Instance(*pair) for pair in pairs),
            is_classification=self.classification,
        )


FILES = {
    path.stem: [
        msgspec.json.decode(line, type=Case)
        for line in path.read_text(encoding="utf-8").splitlines()
    ]
    for path in sorted(CASES.glob("*.jsonl"))
}
ROWS = [
    pytest.param(name, case, id=f"{name}-{'refused' if case.refused else 'kept'}-{case.why}")
    for name, cases in FILES.items()
    for case in cases
]


@lru_cache
def recipe(name: str) -> Recipe:
    """Return a recipe, read once."""
    return load_recipe(name)


def name_of(rule: Rule) -> str:
    """Return the name that a rule's refusals are recorded under."""
    return rule.name or str(rule.__struct_config__.tag)


def refusals(of: Recipe, name: str, task: Task) -> list[Rejection]:
    """Return what the rules of one name, and no others, have against a task."""
    verdicts = [rule(task) for rule in of.rule if name_of(rule) == name]
    return [verdict for verdict in verdicts if verdict]


def names(of: Recipe) -> set[str]:
    """Return the names of all rules of a recipe."""
    return {name_of(rule) for rule in of.rule}


@pytest.mark.parametrize(("name", "case"), ROWS)
def test_the_rules_of_a_name_judge_as_a_reader_would(name: str, case: Case) -> None:
    """A row is refused by a rule of its name if a careful reader would refuse it, and only then."""
    for of in [case.recipe] if case.recipe else [r for r in RECIPES if name in names(recipe(r))]:
        found = refusals(recipe(of), name, case.task())
        assert bool(found) == case.refused, f"{of}: {case.why}: {found}"
        assert {one.rule for one in found} <= {name}


def test_every_name_has_cases_of_both_kinds() -> None:
    """No rule of the two recipes is without rows that it keeps and rows that it refuses."""
    known = set().union(*(names(recipe(one)) for one in RECIPES))
    assert set(FILES) == known
    few = {
        (name, refused): count
        for name, cases in FILES.items()
        for refused in (False, True)
        if (count := sum(case.refused == refused for case in cases)) < ENOUGH
    }
    assert not few


def test_no_case_comes_twice() -> None:
    """Each row of a file is another task, so that the counts of rows mean something."""
    for name, cases in FILES.items():
        tasks = [(case.instruction, case.task().instances, case.classification) for case in cases]
        assert len(set(tasks)) == len(tasks), name


@pytest.mark.parametrize(
    ("instruction", "kind"),
    [
        ("Summarise the article below.", "article"),
        ("Extract the most important details from a letter.", "letter"),
        ("Find the name of a painter in a list of names.", "names"),
        ("Identify the words that have two meanings.", "words"),
        ("Why do you think the sentence is hard to read?", "sentence"),
        ("How does the story end?", "story"),
        ("Answer the question in 100 words.", "question"),
        ("Recommend a film from the list.", "list"),
        ("Write a story about a fox. How does the story end?", ""),
        ("Find a name for the longest river in the world.", ""),
        ("Complete the sentence, 'The sea is'.", ""),
        ('Find the verb in the sentence "The old dog barked at us".', ""),
        ("Answer the question: why is the sea salty?", ""),
        ("Explain the length of the sentence of a thief.", ""),
        ("List the main parts of a letter.", ""),
        ("Identify the main parts of the letter.", ""),
        ("Identify five components of a good email.", ""),
        ("Find the words that rhyme with orange.", ""),
        ("Define the words affect and effect.", ""),
        ("Who wrote the poem Invictus?", ""),
        ("What sound does the letter Z make?", ""),
        ("Answer the question of whether free will exists.", ""),
        ("Complete the sentence. The best way to save money is to ____.", ""),
        ("Rewrite the sentence in the past tense\nI miss you", ""),
    ],
)
def test_what_an_instruction_lacks_is_named(instruction: str, kind: str) -> None:
    """The default recipe's cues find the text that has to be written, and what it is called."""
    assert missing_input(load_recipe("default").instances, instruction) == kind
