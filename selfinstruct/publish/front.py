"""The front matter of the card: what the Hub and `datasets` read of a release.

Decides: the fields, and their YAML. Does not know: data, or how numbers come about.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from selfinstruct.export.columns import features
from selfinstruct.publish.data import DEFAULT, Config
from selfinstruct.publish.licences import front_licence
from selfinstruct.publish.markdown import scalar, slug

TAGS = ("synthetic", "self-instruct", "instruction-tuning", "flan", "selfinstruct")

_SIZES = ((10**3, "n<1K"), (10**4, "1K<n<10K"), (10**5, "10K<n<100K"), (10**6, "100K<n<1M"))
_SIZES_ABOVE = ((10**7, "1M<n<10M"), (10**8, "10M<n<100M"), (10**9, "100M<n<1B"))


def front_matter(configs: Sequence[Config], name: str, origins: Mapping[str, Iterable[str]]) -> str:
    """Return the front matter without its marks.

    `origins` has "languages", "licences" and "models", as rows and seeds name them.
    """
    spoken = {one.partition("-")[0].lower() for one in origins["languages"]}
    models = {f"model-{slug(one)}" for one in origins["models"] if slug(one)}
    default = next(one for one in configs if one.name == DEFAULT)
    tree = {
        "pretty_name": [name],
        **front_licence(origins["licences"]),
        "language": sorted(one for one in spoken if re.fullmatch("[a-z]{2,3}", one)),
        "task_categories": ["text-generation"],
        "size_categories": [size_category(default.rows)],
        "annotations_creators": ["machine-generated"],
        "language_creators": ["machine-generated"],
        "source_datasets": ["original"],
        "tags": [*TAGS, *sorted(models)],
    }
    lines = [line for key, values in tree.items() for line in _field(key, values)]
    return "\n".join([*lines, *_configs(configs), *_features(configs)])


def size_category(rows: int) -> str:
    """Return the Hub's word for how many rows there are."""
    found = (word for limit, word in _SIZES + _SIZES_ABOVE if rows < limit)
    return next(found, "n>1T" if rows > 10**12 else "1B<n<10B")


_SINGLE = ("pretty_name", "license_name")
"""Fields of one text; the others are lists, but for a licence alone."""


def _field(key: str, values: Sequence[str]) -> Iterator[str]:
    if not values:
        return
    if key in _SINGLE or (key == "license" and len(values) == 1):
        yield f"{key}: {scalar(values[0])}"
        return
    yield f"{key}:"
    yield from (f"- {scalar(value)}" for value in values)


def _configs(configs: Sequence[Config]) -> Iterator[str]:
    yield "configs:"
    for one in configs:
        yield f"- config_name: {one.name}"
        if one.name == DEFAULT:
            yield "  default: true"
        yield "  data_files:"
        for split in one.splits:
            yield f"  - split: {split}"
            yield f"    path: {one.pattern(split)}"


def _features(configs: Sequence[Config]) -> Iterator[str]:
    """Yield the columns of every configuration: their types are said, not guessed from rows."""
    yield "dataset_info:"
    for one in configs:
        yield f"- config_name: {one.name}"
        yield "  features:"
        for feature in features(one.row_type):
            yield from _feature(feature, "  ")


def _feature(feature: Mapping[str, Any], indent: str) -> Iterator[str]:
    """Yield a column, and the columns inside it."""
    for number, (key, value) in enumerate(feature.items()):
        start = f"{indent}{'  ' if number else '- '}{key}:"
        if isinstance(value, str):
            yield f"{start} {scalar(value)}"
            continue
        yield start
        for inner in value:
            yield from _feature(inner, f"{indent}  ")
