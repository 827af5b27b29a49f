"""Rows for the tests of exports."""

from hypothesis import strategies as st

from selfinstruct.export.base import Row, Source
from selfinstruct.task import Instance, Origin, new_task


def row(
    instruction: str,
    *pairs: tuple[str, str],
    number: int = 0,
    classification: bool = False,
    language: str = "en",
    category: str = "",
) -> Row:
    """Return the row of one instance of a task with these inputs and outputs."""
    task = new_task(
        instruction,
        origin=Origin(kind="generated", round=1, parents=("a", "b"), licence="Apache-2.0"),
        language=language,
        instances=tuple(Instance(given, output) for given, output in pairs),
        is_classification=classification,
        category=category,
    )
    source = Source(
        task=task.id,
        kind="generated",
        round=1,
        parents="a b",
        prompt="",
        seed="",
        model="",
        revision="",
        licence="Apache-2.0",
        language=language,
        method="",
        category=category,
        score=0.0,
        difficulty=0.0,
    )
    return Row(f"{task.id}-{number}", task, number, source)


def labelled(number: int, place: int = 0) -> Row:
    """Return a row of a classification task with four instances and three labels."""
    pairs = [
        (f"case {number}.{n}", label) for n, label in enumerate(["red", "green", "blue", "red"])
    ]
    instruction = f"Which colour has item {number}: red, green or blue?"
    return row(instruction, *pairs, number=place, classification=True)


texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(str.strip)
"""Any text with something in it."""

maybe = st.one_of(st.just(""), texts)

rows = st.builds(
    lambda instruction, given, output, language: row(
        instruction, (given, output), language=language
    ),
    texts,
    maybe,
    texts,
    st.sampled_from(["en", "zh", "de"]),
)
"""Rows of one instance each."""


@st.composite
def tasks(draw: st.DrawFn) -> Row:
    """Return a row of a task that has several instances, and perhaps labels."""
    pairs = draw(st.lists(st.tuples(maybe, texts), min_size=1, max_size=6))
    return row(
        draw(texts),
        *pairs,
        number=draw(st.integers(0, len(pairs) - 1)),
        classification=draw(st.booleans()),
        language=draw(st.sampled_from(["en", "zh", "de"])),
    )
