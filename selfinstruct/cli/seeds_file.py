"""What the commands that make a seed file share: its name, and what is said when it is there."""

import shlex
from collections.abc import Iterable
from pathlib import Path

import click

from selfinstruct.errors import InputError
from selfinstruct.tables import known_form
from selfinstruct.tables.base import PACKED


def check_out(out: Path, sources: Iterable[Path]) -> None:
    """Refuse a name that is no seed file's, or that is read from."""
    if known_form(out) not in ("", "jsonl") or out.suffix.lower() in PACKED:
        raise InputError(f"--out {out}: a seed file is JSONL", hint="for example --out seeds.jsonl")
    if out.resolve() in {path.resolve() for path in sources}:
        message = f"--out {out} is read from, and would be overwritten"
        raise InputError(message, hint="give another name; move it over when you are sure")


def say_written(out: Path, seeds: int, instances: int) -> None:
    """Print what was written, and what to type next."""
    click.echo(f"wrote {out} ({counted(seeds, 'seed')} with {counted(instances, 'instance')})")
    click.echo(f"Grow from it:  {shlex.join(['selfinstruct', 'grow', '--seeds', str(out)])}")


def counted(count: int, noun: str) -> str:
    """Return a count with its noun."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
