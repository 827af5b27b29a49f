"""What a person or a log sees while a run grows: bars, JSON lines, the closing table.

Decides: how progress looks. No terminal, no bars: then one line a round. Does not know: what a
stage does.
"""

import sys
import time
from collections.abc import Mapping, Sequence
from typing import NoReturn

import click
import msgspec
from tqdm import tqdm

from selfinstruct.cli.visible import visible
from selfinstruct.engines.base import Completion
from selfinstruct.run import Marker, Run
from selfinstruct.stats import Row, by_round

MAX_REASONS = 4
"""Reasons shown in a line of the closing table; the last line has them all."""


class Bars:
    """A bar for each stage on standard error, with tokens a second and verdicts so far."""

    def __init__(self) -> None:
        self._bar: tqdm[NoReturn] | None = None
        self._tokens = 0
        self._began = 0.0
        self._kept = self._refused = 0
        self._failures = 0
        self._error = ""

    def begin(self, run: Run) -> None:
        """Say what is about to happen."""
        settings = run.settings
        place = f"going on after round {len(run.markers)}" if run.markers else "a new run"
        click.echo(
            f"{run.folder}: {place}; {len(settings.seeds)} seeds, {settings.engine.model}, "
            f"recipe {settings.recipe.name}, seed {settings.seed}",
            err=True,
        )

    def nothing_to_do(self, run: Run) -> None:
        """Say that a run has already what was asked for."""
        done = f"{len(run.markers)} rounds and {len(run.grown)} tasks"
        click.echo(f"nothing to do: {done} are there already", err=True)

    def stage(self, number: int, name: str, total: int) -> None:
        """Start a bar."""
        self.close()
        self._tokens, self._began = 0, time.monotonic()
        self._bar = tqdm(
            total=total,
            desc=f"round {number} {name:<9}",
            unit="",
            file=sys.stderr,
            disable=not sys.stderr.isatty(),
            dynamic_ncols=True,
            leave=False,
        )

    def completed(self, completion: Completion, /, *, fresh: bool) -> None:
        """Move the bar; only fresh completions count for speed."""
        if self._bar is None:
            return
        if completion.finish == "error":
            self._failures += 1
            self._error = self._error or completion.error
        if fresh:
            self._tokens += completion.completion_tokens
        self._bar.update()
        self._show()

    def judged(self, kept: int, rejected: int) -> None:
        """Count verdicts: what is left of the round, and what it lost so far."""
        self._kept = kept
        self._refused += rejected
        self._show()

    def _show(self) -> None:
        if self._bar is not None:
            seconds = max(time.monotonic() - self._began, 0.01)
            self._bar.set_postfix_str(
                f"left {self._kept}, rejected {self._refused}, {self._tokens / seconds:.0f} tok/s"
            )

    def finished(self, marker: Marker) -> None:
        """Print a line for a finished round."""
        self.close()
        self._kept = self._refused = 0
        if self._failures:
            what = "completion" if self._failures == 1 else "completions"
            message = f"{self._failures} {what} failed; the first: {visible(self._error)}"
            click.echo(message, err=True)
            self._failures, self._error = 0, ""
        click.echo(
            f"round {marker.round}: {marker.accepted} accepted of {marker.proposed} proposed",
            err=True,
        )

    def close(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None


class JsonLog:
    """One JSON object a line on standard output: stages, rounds, and the end."""

    def stage(self, number: int, name: str, total: int) -> None:
        """Log the start of a stage."""
        _log({"event": "stage", "round": number, "stage": name, "prompts": total})

    def completed(self, completion: Completion, /, *, fresh: bool) -> None:
        """Log failed completions only: the others are in the journal."""
        if fresh and completion.finish == "error":
            _log({"event": "error", "key": completion.key, "error": completion.error})

    def judged(self, kept: int, rejected: int) -> None:
        """Nothing: the round says it."""

    def finished(self, marker: Marker) -> None:
        """Log a finished round."""
        _log({"event": "round", **msgspec.to_builtins(marker)})

    def close(self) -> None:
        """Nothing is open."""

    def end(
        self, markers: Sequence[Marker], seconds: Mapping[int, float], written: Mapping[str, int]
    ) -> None:
        """Log the totals and the files."""
        total = msgspec.to_builtins(by_round(markers, seconds)[-1])
        _log({"event": "end", "rounds": len(markers), **total, "exports": dict(written)})


def _log(event: dict[str, object]) -> None:
    click.echo(msgspec.json.encode(event))


def closing_table(markers: Sequence[Marker], seconds: Mapping[int, float]) -> str:
    """Return the table a run ends with: a line for each round, and one for all."""
    head = ("round", "proposed", "accepted", "tokens", "per task", "seconds", "rejected")
    lines = [head, *(_cells(row) for row in by_round(markers, seconds))]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head) - 1)]
    text = []
    for line in lines:
        cells = [cell.rjust(width) for cell, width in zip(line[:-1], widths, strict=True)]
        text.append("  ".join([*cells, line[-1]]).rstrip())
    return "\n".join(text)


def _cells(row: Row) -> tuple[str, ...]:
    """Return the cells of one line."""
    reasons = sorted(row.rejected.items(), key=lambda item: (-item[1], item[0]))
    shown = reasons if row.label == "all" else reasons[:MAX_REASONS]
    rest = sum(count for _, count in reasons[len(shown) :])
    names = [f"{name} {count}" for name, count in shown] + ([f"other {rest}"] if rest else [])
    per_task = row.tokens_per_task
    return (
        row.label,
        str(row.proposed),
        str(row.accepted),
        f"{row.tokens:,}",
        "-" if per_task is None else f"{per_task:.0f}",
        f"{row.seconds:.0f}",
        ", ".join(names) or "none",
    )
