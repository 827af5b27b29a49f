"""The card of a release: README.md, from what a run says of itself and from `stats`.

Decides: which numbers the card shows, and that every text of a model or a user is quoted. Does
not know: how numbers are counted, or where a release goes.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from heapq import nsmallest
from pathlib import Path
from typing import Any, NamedTuple

import jinja2

from selfinstruct import __version__
from selfinstruct.augment.step import Augmented
from selfinstruct.publish.data import Config, Data, trainer_entries
from selfinstruct.publish.front import front_matter
from selfinstruct.publish.licences import meaning
from selfinstruct.publish.limits import limits
from selfinstruct.publish.markdown import block, code
from selfinstruct.publish.pictures import Picture
from selfinstruct.publish.portable import portable_name
from selfinstruct.publish.rejects import withheld_rules
from selfinstruct.publish.reproduce import Known, digest_of, grow_command, sampling_rows
from selfinstruct.resources import read_text, release_card
from selfinstruct.run import finished_rows
from selfinstruct.stats import Measured, Row, Spread
from selfinstruct.task import Task, digest

SAMPLES, WIDTH = 5, 600
"""Tasks that are shown, and characters of each text."""

MOST = 20
"""Rows of a table that is cut; the pictures and the data have the rest."""

_QUANTISED = re.compile(
    r"(?i)(?<![a-z0-9])(i?q\d(?:_[a-z0-9]+)*|awq|gptq(?:-int\d)?|bnb-4bit|int[48]|fp8|nf4|[bf]f?16|f32)(?![a-z0-9])"
)
"""What names of checkpoints say of how their weights are stored."""


class Place(NamedTuple):
    """Where a release goes: "" for a folder that somebody copies, and no tag."""

    repo: str
    tag: str

    @property
    def name(self) -> str:
        """Return what the dataset is called."""
        return self.repo.rpartition("/")[2] or "An instruction-tuning dataset"


class Subject(NamedTuple):
    """What a card is about."""

    run: Path
    known: Known
    data: Data
    rounds: Sequence[Row]
    measured: Measured
    pictures: Sequence[Picture]
    augmented: Augmented | None
    has_mixture: bool


def card(subject: Subject, place: Place) -> str:
    """Return the text of README.md."""
    environment = jinja2.Environment(  # noqa: S701 (Markdown; what is not ours goes through `code`)
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "code": code,
        "n": "{:,}".format,
        "two": "{:.2f}".format,
        "share": _share,
    }
    template = environment.from_string(read_text(release_card(), hint="install the program again"))
    text = template.render(_values(subject, place))
    return re.sub(r"\n{3,}", "\n\n", text)


def licences_of(subject: Subject) -> set[str]:
    """Return the licences of all rows and seeds; "" among them is one that is not known."""
    seeds = {task.origin.licence for task in subject.known.settings.seeds}
    return {*subject.data.origins["licence"], *seeds}


def models_of(subject: Subject) -> list[str]:
    """Return the models that wrote rows, without paths; what no model wrote has none."""
    return sorted({portable_name(one) for one in subject.data.origins["model"] if one})


def _values(subject: Subject, place: Place) -> dict[str, Any]:
    """Return what the template speaks of."""
    known, data, measured = subject.known, subject.data, subject.measured
    settings, total = known.settings, subject.rounds[-1]
    origins = {
        "languages": data.origins["language"],
        "licences": licences_of(subject),
        "models": models_of(subject),
    }
    return {
        "front": front_matter(data.configs, place.name, origins),
        "place": place,
        "where": place.repo or ".",
        "configs": {one.name: one for one in data.configs},
        "data": data,
        "settings": settings,
        "known": known,
        "tree": known.tree,
        "version": __version__,
        "quantised": _quantised(known),
        "digests": {name: digest_of(known, name) for name in ("seeds", "recipe", "prompts")},
        "prompt_digests": {name: digest(text) for name, text in settings.prompts.texts.items()},
        "sampling": sampling_rows(settings),
        "meaning": meaning(settings.engine.licence),
        "models": models_of(subject),
        "licences": sorted(licences_of(subject)),
        "rounds": subject.rounds[:-1],
        "total": total,
        "measured": measured,
        "lengths": _lengths(measured),
        "first_words": list(measured.first_words.items())[:10],
        "categories": list(measured.categories.items())[:MOST],
        "reasons": total.rejected,
        "withheld": sorted(withheld_rules(subject.run)),
        "augmented": subject.augmented,
        "has_mixture": subject.has_mixture,
        "methods": {name: count for name, count in data.origins["method"].items() if name},
        "pictures": {one.file: one for one in subject.pictures},
        "samples": list(_samples(subject.run)),
        "labels": _labels(data.configs, place.repo),
        "limits": list(limits(settings.recipe, measured, total.rejected)),
        "command": block(
            grow_command(known, len(subject.rounds) - 1, augmented=bool(subject.augmented)), 10_000
        ),
    }


def _share(part: float) -> str:
    return f"{100 * part:.1f} %"


def _quantised(known: Known) -> str:
    """Return what the model's name, or its arguments, say of its weights; "" for nothing."""
    info = known.settings.engine
    found = _QUANTISED.findall(info.model)
    found += [one for one in info.arguments if one.startswith(("quantization=", "dtype="))]
    return ", ".join(found)


def _lengths(measured: Measured) -> list[tuple[str, Spread]]:
    return [(name, one) for name, one in measured.lengths.items() if one.count]


def _samples(run: Path) -> Iterator[dict[str, str]]:
    """Yield tasks chosen by a digest of their ids: nobody picked them."""
    tasks = (task for task in finished_rows(run, "pool", Task) if task.instances)
    for task in nsmallest(SAMPLES, tasks, key=lambda one: (digest(f"sample/{one.id}"), one.id)):
        first = task.instances[0]
        yield {
            "id": task.id,
            "instruction": block(task.instruction, WIDTH),
            "input": block(first.input, WIDTH) if first.input else "",
            "output": block(first.output, WIDTH),
        }


def _labels(configs: Iterable[Config], repo: str) -> list[str]:
    """Return what LLaMA-Factory calls the training rows of each format to fine-tune on."""
    found: dict[str, list[str]] = {}
    for label, entry in trainer_entries(configs, repo).items():
        if entry.get("split", "train") == "train" and "ranking" not in entry:
            name = entry.get("subset") or entry["file_name"].split("/")[1]
            if "/train" in entry.get("file_name", "/train"):
                found.setdefault(name, []).append(label)
    return [",".join(labels) for labels in found.values()]
