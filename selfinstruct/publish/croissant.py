"""croissant.json: files, checksums and columns of a release, as Croissant 1.0 has them.

Decides: which files are one resource, and what each column is. The Hub makes such a description
of its own; mirrors and copies have none. Does not know: what rows mean.
"""

from collections.abc import Iterator, Sequence
from typing import Any, get_args, get_origin, get_type_hints

import msgspec

from selfinstruct.publish.data import Config
from selfinstruct.publish.sums import Listed

_TYPES = {str: "sc:Text", int: "sc:Integer", float: "sc:Float", bool: "sc:Boolean"}

_CONTEXT = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileObject": "cr:fileObject",
    "fileProperty": "cr:fileProperty",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
"""What names of the format stand for, as it prescribes."""


class About(msgspec.Struct, frozen=True):
    """What is said of the whole: a name, a sentence, licences and languages that are known."""

    name: str
    description: str
    licences: tuple[str, ...]
    languages: tuple[str, ...]


def croissant(about: About, configs: Sequence[Config], files: Sequence[Listed]) -> bytes:
    """Return the description of a release; `files` has each data file."""
    known = {one.path: one for one in files}
    tree: dict[str, Any] = {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "name": about.name,
        "description": about.description,
    }
    if about.licences:
        tree["license"] = list(about.licences)
    if about.languages:
        tree["inLanguage"] = list(about.languages)
    splits = [(one, split) for one in configs for split in one.splits]
    tree["distribution"] = [
        *(_file_object(known[path]) for one, split in splits for path in one.files(split)),
        *(_file_set(one, split) for one, split in splits if len(one.files(split)) > 1),
    ]
    tree["recordSet"] = [_record_set(one, split) for one, split in splits]
    return msgspec.json.format(msgspec.json.encode(tree), indent=1) + b"\n"


def _file_object(file: Listed) -> dict[str, Any]:
    return {
        "@type": "cr:FileObject",
        "@id": file.path,
        "name": file.path,
        "contentUrl": file.path,
        "contentSize": f"{file.size} B",
        "encodingFormat": "application/jsonlines",
        "sha256": file.sha256,
    }


def _file_set(config: Config, split: str) -> dict[str, Any]:
    """Return the files of a split that has several: those beside this description."""
    return {
        "@type": "cr:FileSet",
        "@id": f"files-{config.name}-{split}",
        "name": f"files-{config.name}-{split}",
        "encodingFormat": "application/jsonlines",
        "includes": config.pattern(split),
    }


def _record_set(config: Config, split: str) -> dict[str, Any]:
    files = config.files(split)
    one = {"fileObject": {"@id": files[0]}}
    many = {"fileSet": {"@id": f"files-{config.name}-{split}"}}
    name = f"{config.name}/{split}"
    return {
        "@type": "cr:RecordSet",
        "@id": name,
        "name": name,
        "description": f"Rows of the configuration {config.name}, split {split}.",
        "field": list(_fields(config.row_type, name, one if len(files) == 1 else many)),
    }


def _fields(
    row_type: type[msgspec.Struct], above: str, source: dict[str, Any]
) -> Iterator[dict[str, Any]]:
    """Yield the fields of a row: those of structs, and of lists of structs, inside their column."""
    for name, kind in get_type_hints(row_type).items():
        field: dict[str, Any] = {"@type": "cr:Field", "@id": f"{above}/{name}", "name": name}
        many = get_origin(kind) is tuple
        inner = get_args(kind)[0] if many else kind
        extract = {**source, "extract": {"column": name}}
        if many:
            field["repeated"] = True
        if inner in _TYPES:
            yield {**field, "dataType": _TYPES[inner], "source": extract}
            continue
        field["subField"] = [
            {
                "@type": "cr:Field",
                "@id": f"{above}/{name}/{part}",
                "name": part,
                "dataType": _TYPES[part_kind],
                "source": {**extract, "transform": {"jsonPath": part}},
            }
            for part, part_kind in get_type_hints(inner).items()
        ]
        yield field
