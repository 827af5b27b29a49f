"""The Chinese rules, case by case: tests/cases/filters-zh/NAME.jsonl has rows for the rule NAME.

A row is an instruction, mostly with an input and an output, and whether the rule refuses it. A
row without either is judged as a draft. `instances` stands for several, as [input, output].
"""

from pathlib import Path

import msgspec
import pytest

from selfinstruct.recipe import load_recipe
from selfinstruct.rules import Rule
from selfinstruct.seeds import load_seeds
from selfinstruct.task import Instance, Origin, Task, new_task

CASES = Path(__file__).parent / "cases" / "filters-zh"
SEEDS = Path(__file__).parents[2] / "shared" / "data" / "belle_zh_seeds.jsonl"
RULES = load_recipe("zh-strict").rule
"""All rules of the recipe zh, and the stricter ones."""


class Case(msgspec.Struct, forbid_unknown_fields=True):
    """One row of a file."""

    instruction: str
    refused: bool
    why: str
    input: str = ""
    output: str = ""
    instances: tuple[tuple[str, str], ...] = ()
    classification: bool = False

    def task(self) -> Task:
        """Return the task that a row describes."""
        pairs = self.instances or (((self.input, self.output),) if self.input + self.output else ())
        return new_task(
            self.instruction,
            origin=Origin(kind="generated"),
            language="zh",
            instances=tuple(Instance(*pair) for pair in pairs),
            is_classification=self.classification,
        )


def name_of(rule: Rule) -> str:
    """Return the name that a rule reports."""
    return rule.name or str(rule.__struct_config__.tag)


def cases_of(name: str) -> list[Case]:
    """Read the cases of a rule."""
    lines = (CASES / f"{name}.jsonl").read_bytes().splitlines()
    return [msgspec.json.decode(line, type=Case) for line in lines]


NAMES = sorted({name_of(rule) for rule in RULES})
BY_NAME = [(name, case) for name in NAMES for case in cases_of(name)]


@pytest.mark.parametrize(
    ("name", "case"), BY_NAME, ids=[f"{name}-{case.instruction[:20]}" for name, case in BY_NAME]
)
def test_a_chinese_case_is_judged_as_a_person_would(name: str, case: Case) -> None:
    """The rules of a name refuse what their cases say, and nothing else of them."""
    found = [rule(case.task()) for rule in RULES if name_of(rule) == name]
    assert any(found) == case.refused, (case.why, found)


def test_each_chinese_rule_has_its_cases() -> None:
    """Each name has a file with ten rows to pass and ten to refuse, and no file is left over."""
    assert sorted(path.stem for path in CASES.glob("*.jsonl")) == NAMES
    for name in NAMES:
        refused = sum(case.refused for case in cases_of(name))
        assert refused >= 10, name
        assert len(cases_of(name)) - refused >= 10, name


@pytest.mark.skipif(
    not SEEDS.is_file(), reason="the Chinese seed tasks lie in ../shared/data, which is not here"
)
def test_tasks_by_people_pass() -> None:
    """Of 175 Chinese seed tasks that people wrote, at least 95 % pass each rule of the recipe."""
    tasks = load_seeds(SEEDS, language="zh")
    rules = load_recipe("zh").rule
    refused = [task.instruction for task in tasks if any(rule(task) for rule in rules)]
    assert len(tasks) == 175
    assert len(refused) <= 0.05 * len(tasks), refused
