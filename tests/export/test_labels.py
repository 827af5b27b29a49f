"""Labels of classification tasks: known where that is certain, and never a wrong one."""

import json
from pathlib import Path

import pytest
from hypothesis import given

from export.made import row, tasks
from selfinstruct.export.base import Row
from selfinstruct.export.labels import label_set

CASES = json.loads((Path(__file__).parents[1] / "cases" / "label_sets.json").read_text("utf-8"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case["instruction"])[:40])
def test_labels_are_read_where_they_are_certain(case: dict[str, object]) -> None:
    """The labels of a task are those that its words list; where they are not certain, none."""
    pairs = [(f"x{n}", str(one)) for n, one in enumerate(case["outputs"])]  # type: ignore[arg-type, var-annotated]
    task = row(str(case["instruction"]), *pairs, classification=True).task
    assert list(label_set(task)) == case["labels"]


@given(tasks())
def test_labels_hold_every_output(one: Row) -> None:
    """Where a task has labels, all its outputs are among them as they are, each once."""
    labels = label_set(one.task)
    if labels:
        assert {instance.output for instance in one.task.instances} <= set(labels)
        assert len(set(labels)) == len(labels) >= 2
        assert one.task.is_classification
