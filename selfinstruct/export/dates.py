"""Columns of dates: what `datasets` would not read as text.

Decides: which text columns of a file have nothing but dates in them. In JSON such a column is
read as points in time: "2024-01-01" comes back as another text, whatever features are asked for
(tried with datasets 5.2). One other text in the same file prevents it; Parquet does too. Does not
know: files.
"""

import re
from collections.abc import Iterator

import msgspec

# What pyarrow takes for a point in time, and a little more: the day is not checked.
_DATE = re.compile(r"(?a:\d{4}-\d\d-\d\d([ T]\d\d(:\d\d(:\d\d)?)?(Z|[+-]\d\d(:?\d\d)?)?)?)")


class DateColumns:
    """Tells which text columns had only dates so far; most are out after one row."""

    def __init__(self, row_type: type[msgspec.Struct]) -> None:
        self.left = dict.fromkeys(_text_fields(row_type), False)

    def see(self, row: msgspec.Struct) -> None:
        """Look at a row."""
        for path in list(self.left):
            value: object = row
            for name in path:
                value = getattr(value, name)
            if isinstance(value, str) and _DATE.fullmatch(value):
                self.left[path] = True
            else:
                del self.left[path]

    def found(self) -> list[str]:
        """Return the names of columns with dates alone."""
        return [".".join(path) for path, seen in self.left.items() if seen]


def _text_fields(row_type: type[msgspec.Struct]) -> Iterator[tuple[str, ...]]:
    """Yield the text columns of a row, those of structs too; lists hold several texts a row."""
    for field in msgspec.structs.fields(row_type):
        if field.type is str:
            yield (field.name,)
        elif isinstance(field.type, type) and issubclass(field.type, msgspec.Struct):
            yield from ((field.name, *rest) for rest in _text_fields(field.type))
