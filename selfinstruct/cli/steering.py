"""What `grow` is told about topics and about its end, and what it says of both.

Decides: which options go together, and how topics are counted for a person. Does not know: how
topics are dealt, or when a round is over.
"""

from pathlib import Path

from selfinstruct.errors import InputError, SelfInstructError
from selfinstruct.grow import End, barren_rounds
from selfinstruct.run import Run
from selfinstruct.stats import last_novelty
from selfinstruct.storage import read_rows
from selfinstruct.topics import Steering, Topic, bound, full, load_topics
from selfinstruct.visible import visible

SHOWN = 24
"""Topics that the closing lines count, those with the fewest tasks first."""


def steering_from(topics: Path | None, generate: int) -> Steering | None:
    """Return what a run is to be about; raise InputError for two answers."""
    if topics and generate:
        message = "--topics gives the topics, --generate-topics has the model write them"
        raise InputError(message, hint="leave one of them out")
    if topics:
        return Steering(topics=load_topics(topics))
    return Steering(generate=generate) if generate else None


def quotas(steering: Steering | None) -> int:
    """Return how many tasks a run can have by its quotas; 0 where they do not bound it."""
    return bound(steering.topics) if steering and steering.topics else 0


def check_reached(run: Run, end: End, goal: int) -> None:
    """Raise SelfInstructError for a run that gave up short of its target, or its quotas.

    `goal` is how many tasks it was for; a number of rounds is always reached.
    """
    barren = barren_rounds(run)
    short = len(run.grown) < (end.target or len(run.grown) + 1)
    if end.rounds is None and barren and short and not _stale(run, end.min_novelty):
        raise SelfInstructError(
            f"gave up at {len(run.grown)} of {goal} tasks: "
            f"{barren} rounds in a row accepted nothing",
            hint=f"see why: selfinstruct show {run.folder} --rejected all",
        )


def closing_lines(run: Run, min_novelty: float) -> list[str]:
    """Return how many tasks each topic has, and why a run ended before its rounds were played."""
    steering = run.settings.steering
    if steering is None:
        return _stale(run, min_novelty)
    topics = steering.topics or tuple(read_rows(run.folder / "topics.jsonl", Topic))
    counts = dict.fromkeys((topic.name for topic in topics), 0)
    for task in run.grown:
        if task.category in counts:
            counts[task.category] += 1
    fewest = sorted(topics, key=lambda topic: counts[topic.name])
    cells = [_cell(topic, counts[topic.name]) for topic in fewest[:SHOWN]]
    cells += ["…"] if len(topics) > SHOWN else []
    lines = [f"{len(topics)} topics: {', '.join(cells)}"]
    if len(topics) < steering.generate:
        lines.append(f"the model wrote {len(topics)} different topics of {steering.generate}")
    if full(topics, counts):
        lines.append("every topic has its quota")
    return lines + _stale(run, min_novelty)


def _cell(topic: Topic, count: int) -> str:
    """Return a topic with its number of tasks, "cooking 3 of 20"."""
    return f"{visible(topic.name)} {count}" + (f" of {topic.quota}" if topic.quota else "")


def _stale(run: Run, min_novelty: float) -> list[str]:
    """Say that the last round had too little that was new, if it had."""
    novelty = last_novelty(run.folder, run.markers)
    if not min_novelty or novelty.share >= min_novelty:
        return []
    found = f"{novelty.new} of {novelty.judged} drafts were new in round {len(run.markers)}"
    return [f"stopped: {found} ({novelty.share:.3f}), which is below {min_novelty:g}"]
