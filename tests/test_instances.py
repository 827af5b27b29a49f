"""Tasks of several instances: what is known of one stays with it."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from selfinstruct.conversation import Script
from selfinstruct.engines import Completion, Prompt
from selfinstruct.sift import Kept, Rejected, Verdict
from selfinstruct.stages.base import each_instance
from selfinstruct.task import Instance, Judgement, Origin, Task, joined, new_task, singles

ORIGIN = Origin(kind="generated", prompt="0001/propose/0007#2")


def judgement(score: float) -> Judgement:
    """Return a judgement with a score."""
    return Judgement(valid_task=1, input_fits=1, output_correct=1, score=score, votes=1, model="m")


def task_of(numbers: list[int], *, judged: bool, measured: bool) -> Task:
    """Return a task with an instance for each number, and with what is known of each."""
    instances = tuple(Instance(str(number), "out") for number in numbers)
    task = new_task("Add one.", origin=ORIGIN, language="en", instances=instances)
    return msgspec.structs.replace(
        task,
        judgements=tuple(judgement(number) for number in numbers) if judged else msgspec.UNSET,
        difficulties=tuple(float(number) for number in numbers) if measured else msgspec.UNSET,
    )


numbers = st.lists(st.integers(min_value=1, max_value=5), min_size=1, max_size=5)


@given(numbers, st.booleans(), st.booleans())
def test_a_task_is_its_instances_joined(found: list[int], judged: bool, measured: bool) -> None:  # noqa: FBT001
    """Taken apart and put together again a task is the same, whatever is known of it."""
    task = task_of(found, judged=judged, measured=measured)
    assert joined(singles(task)) == task


@given(numbers, st.integers(min_value=1, max_value=5))
def test_what_is_known_goes_with_its_instance(found: list[int], least: int) -> None:
    """A stage that refuses some instances leaves the others with their own numbers."""

    def at_least(single: Task, place: str) -> Script[Verdict]:
        reply = yield Prompt(place)
        number = int(single.instances[0].input)
        assert reply.text == "go on"
        return Kept(single) if number >= least else Rejected("s", "r", place, single)

    script = each_instance(task_of(found, judged=True, measured=True), at_least)
    places = []
    try:
        prompt = next(script)
        while True:
            places.append(prompt.key)
            prompt = script.send(Completion(prompt.key, "go on", "stop"))
    except StopIteration as end:
        verdicts: list[Verdict] = end.value
    assert places == [f"0007-2-{number}" for number in range(len(found))]
    for verdict in verdicts:
        task = verdict.task
        inputs = [float(one.input) for one in task.instances]
        assert list(task.difficulties or ()) == inputs
        assert [one.score for one in task.judgements or ()] == inputs
    kept = [verdict.task for verdict in verdicts if isinstance(verdict, Kept)]
    assert [float(one.input) for task in kept for one in task.instances] == [
        number for number in found if number >= least
    ]
