"""Before the first round: the topics of a run, which a model may be asked for.

Decides: how often a model is asked for topics, what of its replies is a topic, and that the
topics of a run never change once they are there. Does not know: what a topic is good for.
"""

import re

from selfinstruct.conversation import Conversation, Script
from selfinstruct.engines.base import Completion, Engine, Sampling, seeded
from selfinstruct.errors import EngineError
from selfinstruct.journal import Journal
from selfinstruct.pool import slot_random
from selfinstruct.run import Run
from selfinstruct.stages.base import Watch
from selfinstruct.storage import read_rows, replace_file
from selfinstruct.task import to_json
from selfinstruct.topics import MAX_LENGTH, Topic, same

ROUND = 0
"""The round that the questions belong to: it has a journal and no marker."""

WAVES = 6
"""How often a model is asked for what is still missing, before fewer topics have to do."""

SHOWN = 12
"""Topics that a question shows at most, so that the list goes on with others."""

SPARE = 4
"""Questions beyond the topics that are missing: some replies are none, or known."""

AROUND = "\"'“”*_`"
"""What may stand around a topic."""

MAX_WORDS = 6
"""Words of a topic; what is longer is a sentence."""

SAMPLING = Sampling(max_tokens=16, temperature=0.7, top_p=0.95, stop=("\n",))
"""One topic a question: the second one of a small model's list repeats the first."""


def topics_of(run: Run, engine: Engine, watch: Watch) -> tuple[Topic, ...]:
    """Return the topics of a run; ask the model for them if it has to be asked, once.

    They are written to topics.jsonl when all are there, and read from it ever after. Raises
    EngineError when a model writes none.
    """
    steering = run.settings.steering
    if steering is None:
        return ()
    if steering.topics:
        return steering.topics
    path = run.folder / "topics.jsonl"
    if not path.exists():
        found = [Topic(name) for name in _generate(run, engine, watch, steering.generate)]
        replace_file(path, [to_json(topic) + b"\n" for topic in found])
    return tuple(read_rows(path, Topic))


def _generate(run: Run, engine: Engine, watch: Watch, wanted: int) -> list[str]:
    """Have a model name topics, until there are as many as wanted or WAVES is over."""
    found: dict[str, str] = {}
    first = ""
    with (
        Journal(run.journals, f"{ROUND:04d}") as journal,
        Conversation(engine, journal, watch) as talk,
    ):
        for wave in range(WAVES):
            missing = wanted - len(found)
            if missing <= 0:
                break
            known = list(found.values())
            questions = range(missing + SPARE)
            asked = [talk.begin(_ask(run, wave, place, known)) for place in questions]
            for reply in [talk.result(one) for one in asked]:
                first = first or reply.error
                if name := topic_in(reply.text):
                    found.setdefault(same(name), name)
    watch.close()
    if not found:
        run.forget(ROUND)
        replies = (wanted + SPARE) * WAVES
        message = f"no topic in {replies} replies{first and f'; the first: {first}'}"
        raise EngineError(message, hint="give topics of your own: --topics FILE")
    return list(found.values())[:wanted]


def _ask(run: Run, wave: int, place: int, known: list[str]) -> Script[Completion]:
    """Ask for one more topic, showing some of those that are known."""
    settings = run.settings
    key = f"{ROUND:04d}/topics/{wave}-{place:04d}"
    shown = slot_random(settings.seed, key).sample(known, min(SHOWN, len(known)))
    sampling = seeded(SAMPLING, settings.seed, key)
    return (yield settings.prompts.topics(key, shown, sampling=sampling))


def topic_in(reply: str) -> str:
    """Return the topic that a reply begins with; "" where there is none.

    A number, a bullet, quotes, bold type and a full stop around it are no part of it.
    """
    lines = reply.strip().splitlines()
    line = lines[0] if lines else ""
    name = " ".join(re.sub(r"^\s*(?:\d+[.):]|[-*•])\s+", "", line).split())
    name = name.lstrip(AROUND).rstrip(f"{AROUND}.,;:!").strip()
    fits = 0 < len(name) <= MAX_LENGTH and len(name.split()) <= MAX_WORDS
    return name if fits and name.isprintable() and any(map(str.isalnum, name)) else ""
