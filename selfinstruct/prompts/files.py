"""The texts of prompts as files: by language, each of which can be replaced by one's own.

Decides: which texts a run needs, where they are looked for (`--prompts DIR`), and that each can be
filled before a run begins. Does not know: what a text says.
"""

from collections.abc import Mapping
from pathlib import Path

from selfinstruct.engines.base import Sampling
from selfinstruct.errors import InputError, unknown_name
from selfinstruct.prompts import Prompts
from selfinstruct.resources import prompts_dir, read_text
from selfinstruct.task import Instance, Origin, new_task

NAMES = ("propose", "propose_json", "classify", "input", "respond", "instances", "classes")
"""The questions of every run; each has a file NAME.txt."""

STEERED = ("propose_topic", "propose_json_topic", "topics")
"""Those of a run with topics: it proposes with the first two, and may ask for topics itself."""

JUDGED = ("judge",)
"""That of a run whose recipe has a judge."""

AUGMENTED = ("paraphrase", "translate", "same")
"""Those of augmentation."""

EVERY = (*NAMES, *STEERED, *JUDGED, *AUGMENTED)


def load_prompts(
    language: str, overrides: Path | None = None, *, more: tuple[str, ...] = ()
) -> Prompts:
    """Read the texts of a language; files in the folder `overrides` replace single ones.

    Those that not every run needs are read where they are named in `more`, so that no other run
    depends on them. A folder that has all the texts makes any language possible. Raises InputError
    for a language without texts, a folder that is not there or replaces nothing, and a file in it
    that has another name, cannot be filled, or replaces a text that a steered run does not ask.
    """
    names = (*NAMES, *more)
    own = {} if overrides is None else _own_texts(overrides)
    shipped = [name for name in names if name not in own]
    folder = prompts_dir(language) if shipped else Path()
    hint = f"there is none for {language!r} yet: give one with --prompts DIR"
    texts = {name: read_text(folder / f"{name}.txt", hint=hint) for name in shipped}
    prompts = Prompts(texts | {name: own[name] for name in names if name in own})
    if overrides is None:
        return prompts
    if set(STEERED) <= set(more):
        _require_steered(overrides, own)
    try:
        _try_out(prompts)
    except InputError as error:
        raise InputError(str(overrides / str(error)), hint=error.hint) from error
    return prompts


def _own_texts(overrides: Path) -> dict[str, str]:
    """Read the texts that a folder replaces ours with."""
    hint = f"--prompts takes a folder with any of: {', '.join(f'{name}.txt' for name in NAMES)}"
    if not overrides.is_dir():
        raise InputError(f"no such folder: {overrides}", hint=hint)
    paths = sorted(overrides.glob("*.txt"))
    if not paths:
        raise InputError(f"{overrides} holds no prompt", hint=hint)
    for path in paths:
        if path.stem not in EVERY:
            raise unknown_name(f"prompt in {overrides}", path.stem, EVERY)
    return {path.stem: read_text(path, hint=hint) for path in paths}


def _require_steered(overrides: Path, own: Mapping[str, str]) -> None:
    """Refuse a text of one's own that a run with topics would silently not ask."""
    for name in ("propose", "propose_json"):
        if name in own and f"{name}_topic" not in own:
            message = f"a run with topics asks {name}_topic.txt, not {overrides / name}.txt"
            hint = f"put a {name}_topic.txt beside it that speaks of {{{{ topic }}}} too"
            raise InputError(message, hint=hint)


def _try_out(prompts: Prompts) -> None:
    """Fill each text with samples: a fault shows before a run begins."""
    some = Sampling()
    for is_class in (True, False):
        task = new_task(
            "Do it.",
            origin=Origin(kind="seed"),
            language="en",
            instances=(Instance(input="An input.", output="Yes"), Instance(input="", output="No")),
            is_classification=is_class,
        )
        for topic in ("", "it") if "propose_topic" in prompts.texts else ("",):
            prompts.propose("", [task], lead="Do", last=2, topic=topic, sampling=some)
            prompts.propose_json("", [task], lead="Do", new=2, topic=topic, sampling=some)
        prompts.classify("", [task], task, sampling=some)
        prompts.input("", task, kind="text", topic="it", sampling=some)
        prompts.respond("", task, "An input." if is_class else "", sampling=some)
        prompts.instances("", [task], task, sampling=some)
        if "judge" in prompts.texts:
            prompts.judge("", task, sampling=some)
    if "topics" in prompts.texts:
        prompts.topics("", ["one"], sampling=some)
    if "paraphrase" in prompts.texts:
        prompts.fill("paraphrase", "", some, {"text": "Do it.", "style": "question"})
        prompts.fill("translate", "", some, {"text": "Do it.", "target": "French"})
        prompts.fill("same", "", some, {"before": "Do it.", "after": "Do it now."})
