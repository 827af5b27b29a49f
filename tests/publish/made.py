"""Runs for the tests of releases: written through the run folder itself, without a model."""

from pathlib import Path

import msgspec

from selfinstruct.engines import EngineInfo
from selfinstruct.novelty import Match
from selfinstruct.prompts.files import load_prompts
from selfinstruct.recipe import load_recipe
from selfinstruct.run import Outcome, Run
from selfinstruct.seeds import load_seeds
from selfinstruct.settings import Settings
from selfinstruct.sift import Rejected
from selfinstruct.task import Instance, Origin, Task, new_task

SEEDS = (
    '{"name": "river", "instruction": "Name a river in Peru.", "is_classification": false, '
    '"instances": [{"input": "", "output": "The Ucayali."}]}\n'
    '{"instruction": "Is the word a colour?", "is_classification": true, '
    '"instances": [{"input": "red", "output": "yes"}]}\n'
)

MODEL = EngineInfo(model="small", revision="abc123", licence="Apache-2.0", chat=True)


def task(instruction: str, output: str = "An answer.", given: str = "", *, number: int = 1) -> Task:
    """Return a grown task of one instance."""
    origin = Origin(
        kind="generated",
        round=1,
        prompt=f"0001/propose/{number:04d}#1",
        model=MODEL.model,
        revision=MODEL.revision,
        licence=MODEL.licence,
    )
    instances = (Instance(given, output),)
    return new_task(instruction, origin=origin, language="en", instances=instances)


def plain(count: int) -> list[Task]:
    """Return tasks with nothing special about them."""
    return [
        task(f"Count the {n} houses of the town.", f"There are {n}.", number=n)
        for n in range(1, count + 1)
    ]


def settings(folder: Path, **changes: object) -> Settings:
    """Return settings with two seeds of a known licence."""
    path = folder / "own.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(SEEDS, encoding="utf-8")
    known = Settings(
        seeds_name=path.name,
        seeds=tuple(load_seeds(path, language="en", licence="CC-BY-4.0")),
        recipe=load_recipe("default"),
        prompts=load_prompts("en"),
        engine=MODEL,
        language="en",
    )
    return msgspec.structs.replace(known, **changes)


def made(
    folder: Path,
    kept: list[Task],
    rejected: list[Rejected] | None = None,
    **changes: object,
) -> Path:
    """Write a run of one round with these verdicts; return its folder."""
    refused = rejected or []
    with Run(folder / "run", settings(folder, **changes), version="0.1.0") as run:
        total = len(kept) + len(refused)
        run.finish(Outcome(round=1, proposed=total, kept=kept, rejected=refused))
    return folder / "run"


def refusal(refused: Task, rule: str, detail: str = "too much", nearest: str = "") -> Rejected:
    """Return a refusal by a rule."""
    return Rejected("propose", rule, detail, refused, Match(nearest, 0.8) if nearest else None)


BREAKERS = (
    "| a | b |\n|---|---|\n",
    "```\n# Broken out\n```",
    "`` ` ``` ````",
    "</pre><script>alert(1)</script><img src=x onerror=alert(1)>",
    "[click](https://evil.invalid) ![i](https://evil.invalid/i.png) <https://evil.invalid>",
    "https://evil.invalid www.evil.invalid mail me@evil.invalid",
    "---\nlicense: mit\n---",
    "{{ 7 * 7 }} {% raw %} {# no #}",
    "]]> &lt; &amp; \u0000 \u001b[2J \u202e \ufeff \u2028 \u2029 \ufffe",
    "\\| \\` \\\\| |",
    "x" * 5000,
    "- [ ] # > * _ ~~ $$ \\( \n\n    indented",
    "\ud83d half",
)
"""Texts that try to be more than text."""
