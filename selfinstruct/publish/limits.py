"""Known limits of a release, in sentences: each is a fact of the run, or follows from one.

Decides: which facts are worth a warning, and from which number on. Does not know: the card.
"""

from collections.abc import Iterator

from selfinstruct.publish.markdown import code
from selfinstruct.recipe import Recipe
from selfinstruct.stats import Measured

COMMON = 0.1
"""Share of instructions that begin with one word, from which on it is said."""


def limits(recipe: Recipe, measured: Measured, rejected: dict[str, int]) -> Iterator[str]:
    """Yield the sentences."""
    yield "No person has checked these rows, and no claim in them was looked up: expect false ones."
    if recipe.judge is None:
        yield (
            "No judge was asked. Rules refuse what has a wrong form; an answer that is wrong in "
            "substance and right in form is kept."
        )
    else:
        yield (
            f"The judge ({', '.join(map(code, measured.judges))}) is a model too: what it "
            "passed is not thereby right."
        )
    yield (
        f"Instructions are new by {recipe.novelty.measure.upper()} (at most "
        f"{recipe.novelty.max_similarity:g} with any earlier one)"
        + (
            ", and by the meaning that an embedding model sees."
            if recipe.novelty.semantic
            else ": the same question in other words is not found."
        )
    )
    if leads := recipe.propose.leads:
        yield (
            f"Proposals begin with one of {len(leads)} given openings, so first words follow "
            "those, and not what people ask."
        )
    for word, count in measured.first_words.items():
        if count >= COMMON * measured.tasks:
            share = 100 * count / measured.tasks
            yield f"{share:.0f} % of the instructions begin with {code(word)}."
    part = measured.classification / measured.tasks
    yield f"{100 * part:.0f} % of the tasks are classification."
    if "contaminated" not in rejected:
        yield (
            "The run does not record a comparison with evaluation sets that found anything: "
            "compare before you report numbers on one."
        )
    yield (
        "The rows show what one model writes, in its style and with its biases; training another "
        "model on them passes these on."
    )
