"""What a recipe says: its tables, their settings and bounds.

Decides: the shape of a recipe, what its settings mean, and its digest. Does not know: how a rule
judges, how a prompt is worded, or where files lie.
"""

from typing import Annotated, Literal

import msgspec

from selfinstruct.engines.base import Sampling
from selfinstruct.rules import Count, Positive, Rule, Share, check_patterns, scope
from selfinstruct.task import digest, to_json


class _Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A table of a recipe: unknown names are refused."""


class Propose(_Section, frozen=True, kw_only=True):
    """How new instructions are asked for.

    A prompt shows `in_context` instructions, at most `grown` of them from earlier rounds, of at
    most `max_words` words, and asks for `new` more. With `leads`, the first new one is begun
    with a lead drawn from the list: the wider it is, the more varied the tasks. `share` prompts
    in a row show the same instructions, so that an engine reads them once; each has its own seed
    and lead. `parse` "paper" reads replies as the published code does; "json" asks for a JSON
    array, with the text `propose_json`, and has the engine hold the reply to that form.
    With `balance`, a prompt shows tasks of as many categories as possible, and grown ones of each
    category as often; a task without one counts by the first word of its instruction.
    With `without_input`, it shows tasks that have no input, so that new ones need none either,
    unless a lead asks for one: of 400 proposals of the small model 1 or 2 were refused for a
    missing input, in place of 30 and 34.
    """

    in_context: Positive = 8
    grown: Count = 2
    new: Positive = 8
    max_words: Count = 60
    share: Positive = 1
    leads: tuple[str, ...] = ()
    parse: Literal["list", "paper", "json"] = "list"
    balance: bool | msgspec.UnsetType = msgspec.UNSET
    without_input: bool | msgspec.UnsetType = msgspec.UNSET
    sampling: Sampling

    def __post_init__(self) -> None:
        """Leave out what is off: the digest is then that of a recipe without a word of it."""
        for name in ("balance", "without_input"):
            if not getattr(self, name):
                msgspec.structs.force_setattr(self, name, msgspec.UNSET)


class Classify(_Section, frozen=True, kw_only=True):
    """How a task is judged to be classification: few-shot with `yes` and `no` seed tasks.

    An instruction in which one of the regular expressions `cues` is found is classification
    without asking; where there are `signs`, one in which none of them is found is not.
    """

    cues: tuple[str, ...] = ()
    signs: tuple[str, ...] = ()
    yes: Count
    no: Count
    sampling: Sampling

    def __post_init__(self) -> None:
        """Refuse a pattern that does not compile."""
        check_patterns(*self.cues, *self.signs)


class Instances(_Section, frozen=True, kw_only=True):
    """How instances are written.

    `style` "respond" asks a chat model for the input (where one of `input_cues` says that the
    task speaks of one) and then for the answer; "few-shot" lets a base model go on from
    `exemplars` seed tasks, answer first for classification; "auto" takes what the engine can.
    A cue is a regular expression; its group `kind`, if it has one, names what is missing. None
    is missing where one of `input_present` finds it in the instruction. `input_topics` are what
    written inputs are about.
    """

    style: Literal["auto", "respond", "few-shot"] = "auto"
    parse: Literal["labelled", "paper"] = "labelled"
    max_instances: Positive = 1
    exemplars: Count = 8
    class_exemplars: Count = 8
    input_cues: tuple[str, ...] = ()
    input_present: tuple[str, ...] = ()
    input_topics: tuple[str, ...] = ()
    input_sampling: Sampling = Sampling()
    respond_sampling: Sampling = Sampling()
    few_shot_sampling: Sampling = Sampling()

    def __post_init__(self) -> None:
        """Refuse cues that lead to nothing to write about."""
        if self.input_cues and not self.input_topics:
            message = "input_cues need input_topics: what written inputs are about"
            raise ValueError(message)
        check_patterns(*self.input_cues, *self.input_present)


class JudgeSettings(_Section, frozen=True, kw_only=True):
    """Whom to ask what each complete task is worth, and what it takes to stay.

    The model is asked the paper's three questions (is it a valid task, does the input fit, is the
    output correct and acceptable) and for a score from 1 to 5. `engine` is a spec as `--engine`
    takes it; without one the model judges itself. With more than one of `votes` each has its own
    seed. A task stays if more than half of its votes say yes to each question of `require` and
    their mean score is `min_score` or more. With `only_score` nothing is refused: judgements are
    stored with the tasks all the same.
    """

    engine: str = ""
    votes: Positive = 1
    require: tuple[Literal["valid_task", "input_fits", "output_correct"], ...] = (
        "valid_task",
        "input_fits",
        "output_correct",
    )
    min_score: Annotated[float, msgspec.Meta(ge=1, le=5)] = 3
    only_score: bool = False
    sampling: Sampling = Sampling(max_tokens=60)


class DifficultySettings(_Section, frozen=True, kw_only=True):
    """Whether to measure how much each instruction helps the model to write its answer.

    The number is the instruction-following difficulty (see difficulty.py): below `min` the
    instruction all but gives the answer away, above `max` it does not help. Nothing is written
    for it, but an answer is read twice. Only engines that can say how likely a text is can do it
    (not `openai:`). With `only_score` nothing is refused: the numbers are stored all the same.
    """

    min: Annotated[float, msgspec.Meta(ge=0)] = 0.0
    max: Annotated[float, msgspec.Meta(gt=0)] = 1.0
    only_score: bool = False

    def __post_init__(self) -> None:
        """Refuse bounds between which nothing lies."""
        if self.min >= self.max:
            message = f"min = {self.min:g} is not below max = {self.max:g}"
            raise ValueError(message)


class SemanticSettings(_Section, frozen=True, kw_only=True):
    """Novelty by meaning: the cosine with no earlier instruction is `min_similarity` or more.

    `model` is `sentence-transformers:NAME` or `model2vec:NAME`, a name or a folder.
    """

    model: str
    min_similarity: Share = 0.8


Style = Literal["command", "question", "request", "short", "detailed", "formal", "casual"]


class AugmentSettings(_Section, frozen=True, kw_only=True):
    """How grown tasks are said in other words, and what a wording has to keep.

    Each task is paraphrased `paraphrases` times, each time in another of `styles`, translated
    `back_translations` times into one of `pivots` and back, and disturbed `noises` times by one
    of `noise` (a synonym from `synonyms`, lines "big, large"; a word deleted; two neighbours
    swapped). Pivots are names of languages, and `own_language` is the run's own, as a prompt says
    them; with a translation model they are codes.

    A wording has a ROUGE-L of at most `max_similarity` with the instruction, and at most
    `max_growth` times its tokens (of 4 at least). It has the same numbers, names, quotations,
    code, placeholders and negations (words that hold one of `negations`); of the instruction's
    content words (all but `ignored`) it has the share `min_kept`, and of its own the share
    `min_shared` are the instruction's. Where the instruction has a word of one of the lines of
    `asks` ("how, way, steps"), it has one of them too, and else it has none. None of the regular
    expressions `never` is found in it. With `judge` the model must agree that it means the same:
    `agreement` are its two answers, the one that agrees first. `semantic` bounds the cosine of
    the two from below.
    """

    paraphrases: Count = 0
    styles: Annotated[tuple[Style, ...], msgspec.Meta(min_length=1)] = (
        "command",
        "question",
        "request",
        "short",
        "detailed",
        "formal",
        "casual",
    )
    back_translations: Count = 0
    pivots: Annotated[tuple[str, ...], msgspec.Meta(min_length=1)] = ("French", "German")
    own_language: str = ""
    noises: Count = 0
    noise: Annotated[
        tuple[Literal["synonym", "deletion", "swap"], ...], msgspec.Meta(min_length=1)
    ] = ("synonym",)
    synonyms: tuple[str, ...] = ()
    max_similarity: Share = 0.85
    max_growth: Annotated[float, msgspec.Meta(ge=1)] = 2.0
    min_kept: Share = 1.0
    min_shared: Share = 1.0
    asks: tuple[str, ...] = ()
    never: tuple[str, ...] = ()
    negations: tuple[str, ...] = (" not ", " no ", " never ", " without ", "n't ", "不", "没", "无")
    ignored: tuple[str, ...] = ()
    judge: bool = False
    agreement: tuple[str, str] = (" Yes", " No")
    semantic: SemanticSettings | None = None
    paraphrase_sampling: Sampling = Sampling(max_tokens=80, stop=("\n",))
    translate_sampling: Sampling = Sampling(max_tokens=120)

    def __post_init__(self) -> None:
        """Refuse a pattern that does not compile."""
        check_patterns(*self.never)


class NoveltySettings(_Section, frozen=True, kw_only=True):
    """When an instruction is new: its ROUGE-L with no earlier one is above `max_similarity`.

    With `similar`, each accepted task records that many of the most similar earlier ones, and
    the mean similarity with all; every earlier text is compared for it.
    """

    measure: Literal["rouge-l"] = "rouge-l"
    tokens: Literal["unicode", "rouge-score"] = "unicode"
    max_similarity: Share
    similar: Count = 0
    semantic: SemanticSettings | None = None


class Recipe(_Section, frozen=True, kw_only=True):
    """Everything that decides what grows, but the seeds, the prompts' words and the model."""

    name: str
    language: str
    description: str = ""
    propose: Propose
    classify: Classify
    instances: Instances
    novelty: NoveltySettings
    difficulty: DifficultySettings | None = None
    judge: JudgeSettings | None = None
    augment: AugmentSettings | None = None
    rule: tuple[Rule, ...] = ()

    def rules(self, what: Literal["instruction", "instance", "task"]) -> tuple[Rule, ...]:
        """Return the rules that judge drafts, single instances, or whole tasks, in order."""
        return tuple(rule for rule in self.rule if scope(rule) == what)

    def digest(self) -> str:
        """Return a digest of all that the recipe says, word lists included."""
        return digest(to_json(self).decode(), 32)
