"""`selfinstruct seeds`: seed files checked, or made of what a person has."""

from collections import Counter
from pathlib import Path

import click

from selfinstruct.cli.seeds_from_dataset import from_dataset
from selfinstruct.cli.seeds_import import import_
from selfinstruct.errors import InputError
from selfinstruct.seeds import HINT, Fault, scan


@click.group()
def seeds() -> None:
    """Check, import or make seed files."""


@seeds.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
def check(files: tuple[Path, ...]) -> None:
    """List the faults of seed files, with file and line."""
    faults = 0
    for path in files:
        kinds: Counter[str] = Counter()
        for found in scan(path, language=""):
            if isinstance(found, Fault):
                faults += 1
                place = f"{path}:{found.line}" if found.line else str(path)
                click.echo(f"{place}: {found.message}")
            else:
                kinds["classification" if found.is_classification else "generation"] += 1
                kinds["without input"] += all(not one.input for one in found.instances)
        click.echo(
            f"{path}: {kinds['generation'] + kinds['classification']} good seeds "
            f"({kinds['generation']} generation, {kinds['classification']} classification; "
            f"{kinds['without input']} without input)"
        )
    if faults:
        raise InputError(f"{faults} {'fault' if faults == 1 else 'faults'}", hint=HINT)


seeds.add_command(import_)
seeds.add_command(from_dataset)
