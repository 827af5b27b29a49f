"""`selfinstruct export`: one format, one file."""

from pathlib import Path

import click

from selfinstruct.export import FORMATS
from selfinstruct.export import export as write_export
from selfinstruct.run import require_run


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--format", "name", required=True, help=f"One of: {', '.join(FORMATS)}.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="File to write.  [default: RUN/export/FORMAT.jsonl]",
)
@click.option("--with-seeds", is_flag=True, help="Put the seed tasks first.")
@click.option("--no-augmented", is_flag=True, help="Leave out augmented tasks.")
def export(run: Path, name: str, out: Path | None, *, with_seeds: bool, no_augmented: bool) -> None:
    """Write the tasks of a run folder RUN as JSONL that trainers read."""
    require_run(run)
    target = out or run / "export" / f"{name}.jsonl"
    count = write_export(run, name, target, with_seeds=with_seeds, augmented=not no_augmented)
    click.echo(f"wrote {target} ({count} rows)", err=True)
