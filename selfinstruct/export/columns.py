"""Columns of an export: the type of each, as its row declares it.

Decides: which Parquet and which `datasets` type a field has. Nothing is guessed from values: a
column of dates stays text. Does not know: what a row means.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args, get_origin, get_type_hints

import msgspec

if TYPE_CHECKING:
    import polars as pl

_DATASETS = {str: "string", int: "int64", float: "float64", bool: "bool"}

GROUP = 50_000
"""Rows in a group of a Parquet file."""


def write_typed(lines: Path, row_type: type[msgspec.Struct], target: Path) -> None:
    """Write rows that lie in a file, one as JSON a line, to a Parquet file, in their order."""
    import polars as pl  # noqa: PLC0415 (slow to import)

    schema = {name: _polars(kind) for name, kind in get_type_hints(row_type).items()}
    if lines.stat().st_size:
        frame = pl.scan_ndjson(lines, schema=schema)
    else:
        frame = pl.LazyFrame(schema=schema)
    frame.sink_parquet(target, row_group_size=GROUP, maintain_order=True)


def features(row_type: type[msgspec.Struct]) -> list[dict[str, Any]]:
    """Return the columns of a row as a dataset card declares them (`dataset_info.features`)."""
    return [{"name": name, **_feature(kind)} for name, kind in get_type_hints(row_type).items()]


def _polars(kind: Any) -> "pl.DataType":  # noqa: ANN401 (a type)
    import polars as pl  # noqa: PLC0415 (slow to import)

    if get_origin(kind) is tuple:
        return pl.List(_polars(get_args(kind)[0]))
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return pl.Struct({name: _polars(one) for name, one in get_type_hints(kind).items()})
    plain = {str: pl.String(), int: pl.Int64(), float: pl.Float64(), bool: pl.Boolean()}
    return plain[kind]


def _feature(kind: Any) -> dict[str, Any]:  # noqa: ANN401 (a type)
    if get_origin(kind) is tuple:
        inner = get_args(kind)[0]
        return {"list": features(inner) if _is_struct(inner) else _DATASETS[inner]}
    if _is_struct(kind):
        return {"struct": features(kind)}
    return {"dtype": _DATASETS[kind]}


def _is_struct(kind: Any) -> bool:  # noqa: ANN401 (a type)
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)
