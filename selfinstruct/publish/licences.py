"""Licences: what the Hub calls them, and what they mean for what a model wrote.

Decides: the front matter's licence, from what rows and seeds say; what nobody said is unknown.
Does not know: the terms of a licence beyond the kind of it.
"""

from collections.abc import Iterable

from selfinstruct.publish.markdown import slug

PERMISSIVE = frozenset(
    {
        "apache-2.0",
        "mit",
        "bsd",
        "bsd-2-clause",
        "bsd-3-clause",
        "isc",
        "cc0-1.0",
        "unlicense",
        "zlib",
        "wtfpl",
    }
)
"""Licences that set no terms for what a program or a model puts out."""

_MODELS = frozenset(
    {
        "llama2",
        "llama3",
        "llama3.1",
        "llama3.2",
        "llama3.3",
        "llama4",
        "gemma",
        "openrail",
        "openrail++",
        "bigscience-openrail-m",
        "creativeml-openrail-m",
        "bigscience-bloom-rail-1.0",
        "bigcode-openrail-m",
    }
)
"""Licences of models with terms for use, some also for what is written or trained with them."""

_OTHERS = frozenset(
    {
        "cc",
        "cc-by-2.0",
        "cc-by-3.0",
        "cc-by-4.0",
        "cc-by-sa-3.0",
        "cc-by-sa-4.0",
        "cc-by-nc-3.0",
        "cc-by-nc-4.0",
        "cc-by-nd-4.0",
        "cc-by-nc-nd-4.0",
        "cc-by-nc-sa-3.0",
        "cc-by-nc-sa-4.0",
        "cdla-permissive-1.0",
        "cdla-permissive-2.0",
        "cdla-sharing-1.0",
        "odc-by",
        "odbl",
        "pddl",
        "gpl-2.0",
        "gpl-3.0",
        "agpl-3.0",
        "lgpl-2.1",
        "lgpl-3.0",
        "mpl-2.0",
        "epl-2.0",
        "eupl-1.2",
        "afl-3.0",
        "artistic-2.0",
        "bsl-1.0",
        "etalab-2.0",
        "ecl-2.0",
        "ms-pl",
        "ofl-1.1",
        "postgresql",
    }
)

HUB = PERMISSIVE | _MODELS | _OTHERS
"""Licences that the Hub knows by these names."""


def front_licence(licences: Iterable[str]) -> dict[str, list[str]]:
    """Return the fields of the front matter for all licences that rows and seeds name.

    "" among them is one that is not known: then the whole is "other", and its name "unknown".
    """
    found = sorted({licence.strip().lower() for licence in licences})
    if not found or "" in found:
        return {"license": ["other"], "license_name": ["unknown"]}
    if set(found) <= HUB:
        return {"license": found}
    return {"license": ["other"], "license_name": ["-and-".join(map(slug, found))]}


def meaning(licence: str) -> str:
    """Return a sentence on what a model's licence means for what the model wrote."""
    name = licence.strip().lower()
    if not name:
        return (
            "The run does not know the licence of the model. Find it, and what it says of the "
            "model's output, before you use or pass on these rows."
        )
    if name in PERMISSIVE:
        return "It is a permissive licence, which sets no terms for what the model writes."
    if name in _MODELS:
        return (
            "It is a licence for models with terms of use, and such licences may also bind what "
            "is written with the model, or models trained on that: read it before you use or "
            "pass on these rows."
        )
    return "Read what it says of the model's output before you use or pass on these rows."
