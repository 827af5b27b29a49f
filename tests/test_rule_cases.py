"""The published filter, case by case: tests/cases/*.jsonl run with the rules of its recipe.

A line of rules.jsonl is an instruction with the rule that must refuse it (null: it must pass) and
why; where it has the `reply` that the instruction was read from, reading is checked too. A line
of instances.jsonl is a reply with the [input, output] pairs that must be left and the rules that
refuse the others.
"""

from pathlib import Path

import msgspec
import pytest

from selfinstruct import parse
from selfinstruct.recipe import Recipe, load_recipe
from selfinstruct.sift import Kept, Rejected, judge, sift_instances
from selfinstruct.task import Instance, Origin, Task, new_task

CASES = Path(__file__).parent / "cases"


class RuleCase(msgspec.Struct, forbid_unknown_fields=True):
    """One line of rules.jsonl."""

    instruction: str
    expected: str | None
    why: str
    reply: str | None = None


class InstanceCase(msgspec.Struct, forbid_unknown_fields=True):
    """One line of instances.jsonl."""

    reply: str
    classification: bool
    finish: str
    kept: list[tuple[str, str]]
    refused: list[str]
    why: str


RULE_CASES = msgspec.json.decode(
    b"[" + b",".join((CASES / "rules.jsonl").read_bytes().splitlines()) + b"]",
    type=list[RuleCase],
)
INSTANCE_CASES = msgspec.json.decode(
    b"[" + b",".join((CASES / "instances.jsonl").read_bytes().splitlines()) + b"]",
    type=list[InstanceCase],
)


@pytest.fixture(scope="module")
def recipe() -> Recipe:
    """Return the recipe of the published loop."""
    return load_recipe("self-instruct")


def draft(instruction: str, instances: tuple[Instance, ...] = ()) -> Task:
    """Return a task as a round would propose it."""
    return new_task(
        instruction, origin=Origin(kind="generated"), language="en", instances=instances
    )


@pytest.mark.parametrize("case", RULE_CASES, ids=lambda case: case.instruction[:40])
def test_an_instruction_is_judged_as_published(recipe: Recipe, case: RuleCase) -> None:
    """The first rule that refuses an instruction is the published code's first reason."""
    verdict = judge(draft(case.instruction), recipe.rules("instruction"), "propose")
    assert (verdict.rule if isinstance(verdict, Rejected) else None) == case.expected, case.why


@pytest.mark.parametrize(
    "case", [case for case in RULE_CASES if case.reply is not None], ids=lambda case: case.reply
)
def test_a_reply_is_read_as_published(case: RuleCase) -> None:
    """Where a case says which reply its instruction was read from, reading gives it."""
    found = parse.paper_items(case.reply or "", truncated=False)
    assert [item.text for item in found] == [case.instruction], case.why


def test_the_cases_reach_every_rule(recipe: Recipe) -> None:
    """No rule on instructions is without a case that it refuses, and enough cases pass."""
    refused = {case.expected for case in RULE_CASES} - {None}
    assert refused == {rule.__struct_config__.tag for rule in recipe.rules("instruction")}
    assert sum(case.expected is None for case in RULE_CASES) >= 20


@pytest.mark.parametrize("case", INSTANCE_CASES, ids=lambda case: case.why)
def test_instances_are_read_and_judged_as_published(recipe: Recipe, case: InstanceCase) -> None:
    """What is left of a reply is what the published code would export, and no more."""
    read = parse.paper_classes if case.classification else parse.paper_instances
    task = draft(
        "Translate the word into French.",
        tuple(read(case.reply, truncated=case.finish == "length")),
    )
    verdicts = sift_instances(task, recipe.rules("instance"), recipe.rules("task"), "instances")
    left = [
        (one.input, one.output)
        for verdict in verdicts
        if isinstance(verdict, Kept)
        for one in verdict.task.instances
    ]
    assert left == case.kept
    assert [v.rule for v in verdicts if isinstance(v, Rejected)] == case.refused


def test_the_cases_reach_every_instance_rule(recipe: Recipe) -> None:
    """No rule on instances is without a case that it refuses."""
    kinds = {
        rule.__struct_config__.tag for rule in (*recipe.rules("instance"), *recipe.rules("task"))
    }
    assert {rule for case in INSTANCE_CASES for rule in case.refused} == kinds
