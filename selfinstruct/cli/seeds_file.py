"""What the commands that make a seed file share: its name, and what is said when it is there."""

import shlex
from collections.abc import Iterable
from pathlib import Path

import click

from selfinstruct.cli.overwriting import refuse_overwriting
from selfinstruct.errors import InputError
from selfinstruct.resources import data_dir
from selfinstruct.tables import known_form
from selfinstruct.tables.base import PACKED


def check_out(sources: Iterable[Path], out: Path, report: Path | None = None) -> None:
    """Refuse a name that is no seed file's, and names that would cost rows."""
    if known_form(out) not in ("", "jsonl") or out.suffix.lower() in PACKED:
        raise InputError(f"--out {out}: a seed file is JSONL", hint="for example --out seeds.jsonl")
    refuse_overwriting(sources, {"--out": out, "--report": report})


def say_written(out: Path, seeds: int, instances: int, language: str) -> None:
    """Print what was written, and what to type next."""
    words = ["selfinstruct", "grow", "--seeds", str(out)]
    if language not in ("", "en"):
        words += ["--language", language]
        words += ["--recipe", language] if _has_recipe(language) else []
    click.echo(f"wrote {out} ({counted(seeds, 'seed')} with {counted(instances, 'instance')})")
    click.echo(f"Grow from it:  {shlex.join(words)}")


def _has_recipe(language: str) -> bool:
    return language in {path.stem for path in data_dir("filters").glob("*.toml")}


def counted(count: int, noun: str) -> str:
    """Return a count with its noun."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
