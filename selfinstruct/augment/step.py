"""The step after the last round: each grown task is said in other words, and what is good is kept.

Decides: which wordings are asked for, in which order they are judged, what is written, and that a
process that is killed pays for nothing twice. Does not know: how a wording comes about, or what
meaning is.

augmented.jsonl and augmented-rejected.jsonl are a pure function of the pool, the settings and the
journal; augment.json, written last, says of which pool they are.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from selfinstruct.augment.gate import Gate
from selfinstruct.augment.methods import Asking, Wording, back_translations, paraphrases
from selfinstruct.augment.noise import disturbed
from selfinstruct.conversation import Conversation, Script
from selfinstruct.engines.base import Engine, EngineInfo
from selfinstruct.errors import EngineError, InputError
from selfinstruct.journal import Journal
from selfinstruct.novelty import RougeL
from selfinstruct.play import rule_set
from selfinstruct.prompts import Prompts
from selfinstruct.prompts.files import AUGMENTED
from selfinstruct.recipe import AugmentSettings
from selfinstruct.run import Run
from selfinstruct.settings import Settings
from selfinstruct.sift import Kept, Rejected
from selfinstruct.stages.base import Watch
from selfinstruct.storage import file_digest, replace_file
from selfinstruct.task import Origin, Task, digest, new_task, to_json
from selfinstruct.text import TOKENISERS


class Augmented(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """augment.json: of which pool the augmented tasks are, and what the step came to.

    The pool is known by the length and digest (SHA-256) of pool.jsonl.
    """

    step: str
    pool_bytes: int
    pool_digest: str
    asked: int
    accepted: int
    rejected: dict[str, int]
    prompt_tokens: int
    completion_tokens: int


class Helpers(NamedTuple):
    """Who writes: the model, and a translation model where one is used."""

    model: Engine
    translator: Engine | None = None


class _Kept(NamedTuple):
    """What the wordings came to, in order."""

    tasks: list[Task]
    rejected: list[Rejected]

    @property
    def files(self) -> list[tuple[str, Sequence[Task | Rejected]]]:
        """Return the rows of each file."""
        return [("augmented", self.tasks), ("augmented-rejected", self.rejected)]


def augment(run: Run, helpers: Helpers, prompts: Prompts, watch: Watch) -> Augmented:
    """Augment a run by its recipe; return what it came to. For who holds the lock.

    Nothing is asked or written where that was done for this very pool. Raises InputError for a
    recipe without [augment], EngineError where every wording failed.
    """
    how = run.settings.recipe.augment
    if how is None:
        message = f"the recipe {run.settings.recipe.name!r} has no [augment]"
        raise InputError(message, hint="give one that has: --recipe default")
    translator = helpers.translator.info if helpers.translator else None
    asking = Asking(
        run.settings.seed,
        step_of(run.settings, how, prompts, translator),
        how,
        prompts,
        run.settings.language,
    )
    done = read_augmented(run.folder)
    if done and done.step == asking.step and is_of_pool(run.folder, done):
        return done
    wordings: list[Wording] = []
    tokens = [0, 0]
    with Journal(run.journals, asking.step) as journal:
        for engine, scripts in _questions(asking, run.grown, helpers):
            with Conversation(engine, journal, watch) as talk:
                talks = [talk.begin(script) for script in scripts]
                wordings += [talk.result(one) for one in talks]
                tokens[0] += talk.prompt_tokens
                tokens[1] += talk.completion_tokens
    _refuse_broken_engine(wordings, run, asking.step)
    wordings += _noises(asking, run.grown)
    found = _sifted(asking, run, wordings, translator)
    return _written(run, asking.step, found, tokens)


def step_of(
    settings: Settings, how: AugmentSettings, prompts: Prompts, translator: EngineInfo | None
) -> str:
    """Return the name of a step: other settings, texts or models have another journal."""
    texts = {name: prompts.texts[name] for name in AUGMENTED}
    model = (settings.engine.model, settings.engine.revision)
    other = (translator.model, translator.revision) if translator else ()
    return f"augment-{digest(to_json((how, texts, model, other)).decode(), 8)}"


def _questions(
    asking: Asking, tasks: Sequence[Task], helpers: Helpers
) -> Iterator[tuple[Engine, list[Script[Wording]]]]:
    """Yield each engine with the scripts that are to be played against it."""
    scripts = [script for task in tasks for script in paraphrases(asking, task)]
    translations = [
        script
        for task in tasks
        for script in back_translations(asking, task, model=helpers.translator is not None)
    ]
    if helpers.translator is None:
        yield helpers.model, scripts + translations
        return
    yield helpers.model, scripts
    yield helpers.translator, translations


def _refuse_broken_engine(wordings: Sequence[Wording], run: Run, step: str) -> None:
    """Raise EngineError when every wording failed for want of a reply; they are asked for again."""
    faults = [wording.fault for wording in wordings]
    if faults and all(faults) and len(set(faults)) == 1 and not any(w.text for w in wordings):
        for path in run.journals.glob(f"{step}-*.jsonl"):
            path.unlink(missing_ok=True)
        message = f"all {len(faults)} wordings failed; the first: {faults[0]}"
        hint = "mend the engine, then give the same command again: finished rounds are kept"
        raise EngineError(message, hint=hint)


def _noises(asking: Asking, tasks: Sequence[Task]) -> Iterator[Wording]:
    """Yield the disturbed wordings of each task."""
    for task in tasks:
        random = asking.random("noise", task)
        methods = random.sample(asking.how.noise, len(asking.how.noise))
        for number in range(asking.how.noises):
            method = methods[number % len(methods)]
            text = disturbed(task.instruction, method, random, asking.how.synonyms)
            yield Wording(task, text, f"noise:{method}")


def _sifted(
    asking: Asking, run: Run, wordings: Sequence[Wording], translator: EngineInfo | None
) -> _Kept:
    """Judge wordings: task by task in the order of the pool."""
    rules = rule_set(run.settings.recipe, run.settings.prompts)
    gate = Gate(asking.how, rules, known(run), run.settings.recipe.novelty.max_similarity)
    order = {task.id: place for place, task in enumerate(run.grown)}
    found = _Kept([], [])
    for wording in sorted(wordings, key=lambda one: order[one.task.id]):
        by_translator = wording.method.startswith("back-translation") and translator
        info = by_translator or run.settings.engine
        verdict = gate.judge(wording, _task_of(wording, info))
        if isinstance(verdict, Kept):
            found.tasks.append(verdict.task)
        else:
            found.rejected.append(verdict)
    return found


def known(run: Run) -> RougeL:
    """Return an index of all tasks of a run."""
    how = run.settings.recipe.novelty
    index = RougeL(how.max_similarity, tokenise=TOKENISERS[how.tokens])
    index.add_all((task.id, task.instruction) for task in (*run.settings.seeds, *run.grown))
    return index


def _task_of(wording: Wording, info: EngineInfo) -> Task:
    """Return the task of a wording: it shares the instances of its parent."""
    parent = wording.task
    made = wording.method.startswith("noise")
    origin = Origin(
        kind="augmented",
        round=parent.origin.round,
        prompt=wording.prompt,
        parents=(parent.id,),
        model="" if made else info.model,
        revision="" if made else info.revision,
        method=wording.method,
        licence=parent.origin.licence if made else info.licence,
    )
    return new_task(
        wording.text,
        origin=origin,
        language=parent.language,
        instances=parent.instances,
        is_classification=parent.is_classification,
        category=parent.category,
    )


def _written(run: Run, step: str, found: _Kept, tokens: Sequence[int]) -> Augmented:
    """Write both files, then the marker."""
    for name, rows in found.files:
        replace_file(run.folder / f"{name}.jsonl", [to_json(row) + b"\n" for row in rows])
    reasons = Counter(row.rule for row in found.rejected)
    size, found_digest = _pool_of(run.folder)
    marker = Augmented(
        step=step,
        pool_bytes=size,
        pool_digest=found_digest,
        asked=len(found.tasks) + len(found.rejected),
        accepted=len(found.tasks),
        rejected=dict(sorted(reasons.items())),
        prompt_tokens=tokens[0],
        completion_tokens=tokens[1],
    )
    replace_file(run.folder / "augment.json", to_json(marker) + b"\n")
    return marker


def read_augmented(folder: Path) -> Augmented | None:
    """Return what the step came to when it was last done; None where it never was."""
    path = folder / "augment.json"
    try:
        return msgspec.json.decode(path.read_bytes(), type=Augmented)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        hint = "delete it, and give the same command again: nothing is paid for twice"
        raise InputError(f"{path}: not what augmentation writes: {error}", hint=hint) from error


def is_of_pool(folder: Path, marker: Augmented) -> bool:
    """Say whether augmented tasks are of the pool as it is now."""
    return _pool_of(folder) == (marker.pool_bytes, marker.pool_digest)


def _pool_of(folder: Path) -> tuple[int, str]:
    """Return length and digest of a pool; a run without rounds has none."""
    pool = folder / "pool.jsonl"
    return (pool.stat().st_size, file_digest(pool)) if pool.exists() else (0, "")
