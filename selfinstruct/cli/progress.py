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

from selfinstruct.engines.base import Completion, Prompt
from selfinstruct.journal import stage_of
from selfinstruct.run import Marker, Run
from selfinstruct.stats import Row, by_round
from selfinstruct.visible import visible

MAX_REASONS = 4
"""Reasons shown in a line of the closing table; the last line has them all."""


LOG_EVERY = 30
"""Seconds between two lines of progress in a log, so that a long round is not silent."""


class Tally(msgspec.Struct):
    """What a stage of a round came to so far; `fresh` of its answers were asked for just now.

    `requests` were made for these (a server may have charged for each), and their tokens are
    those of all answers.
    """

    prompts: int = 0
    answered: int = 0
    fresh: int = 0
    errors: int = 0
    requests: int = 0
    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0

    def add(self, completion: Completion, *, fresh: bool) -> None:
        """Count a completion."""
        self.answered += 1
        self.fresh += fresh
        self.errors += completion.finish == "error"
        self.requests += completion.attempts if fresh else 0
        self.prompt_tokens += completion.prompt_tokens
        self.cached_tokens += completion.cached_tokens
        self.completion_tokens += completion.completion_tokens


class Bars:
    """A bar for each round on standard error: its stages, refusals and tokens a second."""

    def __init__(self) -> None:
        self._bar: tqdm[NoReturn] | None = None
        self._tokens = 0
        self._began = 0.0
        self._refused = 0
        self._stages: dict[str, Tally] = {}
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

    def asked(self, prompt: Prompt) -> None:
        """Make the bar longer by a prompt; a round's first one starts it."""
        if self._bar is None:
            self._stages.clear()
            self._refused = self._tokens = 0
            self._began = time.monotonic()
            label = _label(prompt)
            self._bar = tqdm(
                total=0,
                desc=label,
                unit="",
                file=sys.stderr,
                disable=not sys.stderr.isatty(),
                dynamic_ncols=True,
                leave=False,
            )
        self._stages.setdefault(stage_of(prompt.key), Tally()).prompts += 1
        self._bar.total = (self._bar.total or 0) + 1

    def completed(self, completion: Completion, /, *, fresh: bool) -> None:
        """Move the bar; only fresh completions count for speed."""
        if self._bar is None:
            return
        if completion.finish == "error":
            self._failures += 1
            self._error = self._error or completion.error
        if fresh:
            self._tokens += completion.completion_tokens
        self._stages[stage_of(completion.key)].add(completion, fresh=fresh)
        self._bar.update()
        self._show()

    def refused(self, count: int) -> None:
        """Count what the round lost so far."""
        self._refused += count
        self._show()

    def _show(self) -> None:
        if self._bar is not None:
            seconds = max(time.monotonic() - self._began, 0.01)
            stages = " ".join(f"{n} {t.answered}/{t.prompts}" for n, t in self._stages.items())
            speed = f"{self._tokens / seconds:.0f} tok/s"
            self._bar.set_postfix_str(f"{stages}, rejected {self._refused}, {speed}")

    def finished(self, marker: Marker) -> None:
        """Print a line for a finished round."""
        self.close()
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
    """One JSON object a line on standard output: progress, stages, rounds, and the end."""

    def __init__(self) -> None:
        self._stages: dict[str, Tally] = {}
        self._step = ""
        self._refused = 0
        self._logged = time.monotonic()

    def asked(self, prompt: Prompt) -> None:
        """Count a prompt of its stage."""
        self._step = _label(prompt)
        self._stages.setdefault(stage_of(prompt.key), Tally()).prompts += 1

    def completed(self, completion: Completion, /, *, fresh: bool) -> None:
        """Log a failed completion, and now and then how far the round is."""
        self._stages[stage_of(completion.key)].add(completion, fresh=fresh)
        if fresh and completion.finish == "error":
            _log({"event": "error", "key": completion.key, "error": completion.error})
        if time.monotonic() - self._logged >= LOG_EVERY:
            self._logged = time.monotonic()
            done = {name: [tally.answered, tally.prompts] for name, tally in self._stages.items()}
            _log({"event": "progress", "step": self._step, **done, "rejected": self._refused})

    def refused(self, count: int) -> None:
        """Count what the round lost so far."""
        self._refused += count

    def finished(self, marker: Marker) -> None:
        """Log a finished round, its stages first."""
        for name, tally in self._stages.items():
            counts = msgspec.to_builtins(tally)
            _log({"event": "stage", "round": marker.round, "stage": name, **counts})
        self._stages.clear()
        self._refused = 0
        _log({"event": "round", **msgspec.to_builtins(marker)})

    def close(self) -> None:
        """Nothing is open."""

    def end(
        self, markers: Sequence[Marker], seconds: Mapping[int, float], written: Mapping[str, int]
    ) -> None:
        """Log the totals and the files."""
        total = msgspec.to_builtins(by_round(markers, seconds)[-1])
        _log({"event": "end", "rounds": len(markers), **total, "exports": dict(written)})


def _label(prompt: Prompt) -> str:
    """Return what a prompt belongs to, in words."""
    step = prompt.key.partition("/")[0]
    if not step.isdigit():
        return step.partition("-")[0]
    return f"round {int(step)}" if int(step) else "topics"


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
