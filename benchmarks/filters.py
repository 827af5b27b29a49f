"""How often the filters are right: on labelled rows of the small model, and on Alpaca's rows.

    python benchmarks/filters.py labels > benchmarks/filters.md
    python benchmarks/filters.py alpaca --rows alpaca.jsonl.gz --read 20

`labels` reads filters_labels.jsonl and judges each row as `grow` would, without novelty. `alpaca`
counts what each rule refuses by itself (in `grow` only the first counts), and prints some
refusals of each, drawn at random, to be read.
"""

import gzip
import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import click
import msgspec

from selfinstruct.play import rule_set
from selfinstruct.prompts.files import load_prompts
from selfinstruct.recipe import Recipe, load_recipe
from selfinstruct.rules import Rule
from selfinstruct.sift import Rejected, RuleSet, judge_whole
from selfinstruct.task import Instance, Origin, Task, new_task

LABELS = Path(__file__).parent / "filters_labels.jsonl"
FAULTS = ("echo", "truncated", "repetition", "missing input", "refusal", "placeholder")
"""What a reader sees at a glance, without knowing whether the answer is right."""


class Labelled(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """A row that the small model wrote, and what a reader says of it.

    The three questions are those of the paper's table 2. `fault` is one of FAULTS, or "".
    `broke_off`: the reply reached its limit of tokens, for which the loop refuses it unread.
    """

    set: str
    instruction: str
    input: str
    output: str
    valid_task: bool
    input_fits: bool
    output_correct: bool
    fault: str = ""
    reason: str = ""
    is_classification: bool = False
    broke_off: bool = False

    @property
    def usable(self) -> bool:
        """Whether it is a task whose input fits, without a fault of form."""
        return self.valid_task and self.input_fits and not self.fault

    @property
    def good(self) -> bool:
        """Whether all three questions are answered with yes."""
        return self.usable and self.output_correct


def labelled() -> list[Labelled]:
    """Read the labels."""
    decode = msgspec.json.Decoder(Labelled).decode
    return [decode(line) for line in LABELS.read_bytes().splitlines()]


def refusal(row: Labelled, rules: RuleSet) -> str:
    """Return the rule that refuses a row, as in a round without novelty; "" where none does."""
    if row.broke_off:
        return "truncated"
    task = _task(row.instruction, row.input, row.output, is_classification=row.is_classification)
    verdict = judge_whole(task, rules, "benchmark")
    return verdict.rule if isinstance(verdict, Rejected) else ""


def _task(instruction: str, given: str, output: str, *, is_classification: bool) -> Task:
    return new_task(
        instruction,
        origin=Origin(kind="generated"),
        language="en",
        instances=(Instance(given, output),),
        is_classification=is_classification,
    )


@click.group()
def main() -> None:
    """Measure the filters."""


@main.command()
def labels() -> None:
    """Print precision and recall of the recipes on the labelled rows, as Markdown."""
    rows = labelled()
    prompts = load_prompts("en")
    rules = {name: rule_set(load_recipe(name), prompts) for name in ("default", "strict")}
    click.echo(INTRODUCTION)
    for name in dict.fromkeys(row.set for row in rows):
        those = [row for row in rows if row.set == name]
        click.echo(f"## {name} ({len(those)} rows)\n")
        click.echo(_faults(those))
        click.echo(HEAD)
        click.echo(_line("all rows", those, []))
        for recipe, its_rules in rules.items():
            by_rule = [(row, refusal(row, its_rules)) for row in those]
            kept = [row for row, rule in by_rule if not rule]
            click.echo(_line(recipe, kept, [row for row, rule in by_rule if rule]))
        click.echo()


INTRODUCTION = """\
# What the filters keep of the small model's rows, by a reader's labels

Written by `python benchmarks/filters.py labels`, from `filters_labels.jsonl`: rows grown by the
default engine (SmolLM2-135M-Instruct, 4 bits) with no rule but non-empty texts, each labelled by
one reader with the three questions of the Self-Instruct paper's table 2, and with a fault of form
if it has one. What each column says:

- *fault*: of the rows that are kept, those with a fault of form (echo, truncated, repetition,
  missing input, refusal); a placeholder is counted by itself.
- *usable*: a valid task, whose input fits, without any such fault. *all three*: and the output is
  correct and acceptable too.
- *precision*: of the rows that are refused, those that are not usable. *recall*: of the rows that
  are not usable, those that are refused.
- *lost*: refused rows that are right by all three questions.
"""
HEAD = """\
| | kept | fault | placeholder | usable | all three | refused | precision | recall | lost |
|---|---|---|---|---|---|---|---|---|---|"""


def _faults(rows: list[Labelled]) -> str:
    counts = Counter(row.fault for row in rows if row.fault)
    return "Faults: " + ", ".join(f"{name} {counts[name]}" for name in FAULTS) + ".\n"


def _line(name: str, kept: list[Labelled], refused: list[Labelled]) -> str:
    """Return a line of the table."""
    faults = sum(row.fault not in ("", "placeholder") for row in kept)
    cells = [
        name,
        str(len(kept)),
        _share(faults, len(kept)),
        str(sum(row.fault == "placeholder" for row in kept)),
        _share(sum(row.usable for row in kept), len(kept)),
        _share(sum(row.good for row in kept), len(kept)),
    ]
    if refused:
        right = sum(not row.usable for row in refused)
        bad = right + sum(not row.usable for row in kept)
        lost = sum(row.good for row in refused)
        cells += [str(len(refused)), _share(right, len(refused)), _share(right, bad), str(lost)]
    else:
        cells += [""] * 4
    return "| " + " | ".join(cells) + " |"


def _share(part: int, whole: int) -> str:
    return f"{part} ({part / whole:.0%})" if whole else "0"


@main.command()
@click.option("--rows", required=True, type=click.Path(path_type=Path, exists=True))
@click.option("--recipe", default="default", show_default=True)
@click.option("--only", default="", help="Names of rules, with commas.  [default: all]")
@click.option("--read", default=0, show_default=True, help="Refusals of each rule to print.")
@click.option("--seed", default=77, show_default=True)
def alpaca(rows: Path, recipe: str, only: str, read: int, seed: int) -> None:
    """Print how many of a file's rows each rule refuses, and some of them."""
    tasks = list(_rows(rows))
    names = {name.strip() for name in only.split(",") if name.strip()}
    chosen = load_recipe(recipe)
    click.echo(f"{len(tasks)} rows, recipe {chosen.name}\n\n| rule | of | refused |\n|---|---|---|")
    found = [(rule, _hits(rule, tasks)) for rule in _rules(chosen, names)]
    for rule, hits in found:
        click.echo(f"| {_name(rule)} | {getattr(rule, 'field', '')} | {len(hits)} |")
    for rule, hits in found if read else ():
        click.echo(f"\n### {_name(rule)} {getattr(rule, 'field', '')}\n")
        for task, detail in random.Random(seed).sample(hits, min(read, len(hits))):  # noqa: S311
            (one,) = task.instances
            texts = " | ".join(text for text in (task.instruction, one.input, one.output) if text)
            click.echo(f"- {detail[:80]} | {' '.join(texts.split())[:400]}")


def _rules(recipe: Recipe, names: set[str]) -> Iterator[Rule]:
    for rule in recipe.rule:
        if not names or _name(rule) in names:
            yield rule


def _name(rule: Rule) -> str:
    return rule.name or str(rule.__struct_config__.tag)


def _hits(rule: Rule, tasks: list[Task]) -> list[tuple[Task, str]]:
    """Return the tasks that a rule refuses, each with what it saw."""
    verdicts = ((task, rule(task)) for task in tasks)
    return [(task, verdict.detail) for task, verdict in verdicts if verdict]


def _rows(path: Path) -> Iterator[Task]:
    """Read rows of instruction, input and output."""
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rb") as file:
        for line in file:
            row = msgspec.json.decode(line)
            yield _task(row["instruction"], row["input"], row["output"], is_classification=False)


if __name__ == "__main__":
    main()
