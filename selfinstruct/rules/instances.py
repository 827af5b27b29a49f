"""Rules that compare the texts of one task with each other.

Decides: when an output is only its input or instruction again, and when instances contradict
one another or all say the same. Does not know: other tasks (that is novelty).
"""

import re
from collections import Counter

from rapidfuzz.distance import Indel

from selfinstruct.rules.base import (
    BaseRule,
    Count,
    Field,
    FieldRule,
    Positive,
    Share,
    check_patterns,
    shortened,
)
from selfinstruct.task import Task
from selfinstruct.text import tokens

_QUOTATION = re.compile(r"[\"\u201c]([^\"\u201c\u201d]+)[\"\u201d]")
"""A text between double quotation marks, straight or curly."""


class Copies(FieldRule, frozen=True, tag="copies", kw_only=True):
    """Refuse a text that repeats another text of the same task, `of`.

    Similar means that the longest common subsequence of tokens, as an F-measure, is above
    `max_similarity`, or above two thirds of it where the other text, of more than ten tokens,
    stands whole inside this one. A text with `new` tokens of its own passes: "The
    antonym of hot is cold" has one, where `ignored` lists "the", "of" and "is". Nothing repeats a
    text of fewer than `min_tokens` tokens; with `max_covered`, neither may a text hold, in order,
    more than that share of the other's tokens, whatever it adds. With `max_taken`, of a text
    of `min_tokens` or more, no larger share may be the other's, in order, whatever it leaves out.
    With `quoted`, a text is judged by its last quotation of `min_tokens` tokens or more, so that
    'A better version is "..."' is a copy where the version is one.
    """

    of: Field
    max_similarity: Share
    new: Count = 0
    min_tokens: Count = 0
    max_covered: Share = 1.0
    max_taken: Share = 1.0
    quoted: bool = False
    ignored: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse comparisons that say nothing: drafts have one text, and a text is itself."""
        super().__post_init__()
        if self.field in ("instruction", self.of):
            message = "compare an input or an output with another text"
            raise ValueError(message)

    def fault(self, task: Task) -> str:
        """Compare the two texts of each instance."""
        for one in task.instances:
            texts = {"instruction": task.instruction, "input": one.input, "output": one.output}
            left, right = self._judged(texts[self.field]), tokens(texts[self.of])
            if not left or len(right) < max(self.min_tokens, 1):
                continue
            similarity = Indel.normalized_similarity(left, right)
            whole = (
                len(right) > 10 and self.max_similarity < 1 and " ".join(right) in " ".join(left)
            )
            bound = self.max_similarity * 2 / 3 if whole else self.max_similarity
            common = similarity * (len(left) + len(right)) / 2
            covered, taken = common / len(right), common / len(left)
            if covered > self.max_covered and self.max_covered < 1:
                return f"repeats {covered:.0%} of the {self.of}"
            if taken > self.max_taken and self.max_taken < 1 and len(left) >= self.min_tokens:
                return f"is {taken:.0%} taken from the {self.of}"
            if similarity > bound and not self._says_more(left, right):
                return f"repeats the {self.of} (similarity {similarity:.2f})"
        return ""

    def _judged(self, text: str) -> list[str]:
        """Return the tokens of a text, or of the last quotation in it; of none, nothing."""
        if not self.quoted:
            return tokens(text)
        quotations = map(tokens, _QUOTATION.findall(text))
        return next((q for q in reversed(list(quotations)) if len(q) >= self.min_tokens), [])

    def _says_more(self, left: list[str], right: list[str]) -> bool:
        """Say whether a text has enough tokens that the other has not."""
        return bool(self.new) and len(set(left) - set(right) - set(self.ignored)) >= self.new


class Label(BaseRule, frozen=True, tag="label", kw_only=True):
    """Keep a classification whose output is a label: short, and named by the instruction.

    A label has at most `max_words` words; each of its tokens stands in the instruction, or the
    whole label is one of `also` ("yes", "no"). Other tasks pass.
    """

    max_words: Positive = 4
    also: tuple[str, ...] = ()

    def fault(self, task: Task) -> str:
        """Look for each label in the instruction."""
        named = set(tokens(task.instruction))
        for one in task.instances if task.is_classification else ():
            words = tokens(one.output)
            known = set(words) <= named or words in map(tokens, self.also)
            if len(words) > self.max_words or not known:
                return f"{shortened(one.output)!r} is not a label that the instruction names"
        return ""


class MissingInput(BaseRule, frozen=True, tag="missing_input", kw_only=True):
    """Refuse an instance without input where the instruction speaks of one.

    It does where one of the regular expressions `cues` is found and none of `unless`.
    """

    cues: tuple[str, ...]
    unless: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a pattern that does not compile, while the recipe is read."""
        super().__post_init__()
        check_patterns(*self.cues, *self.unless)

    def fault(self, task: Task) -> str:
        """Look for the text the instruction speaks of."""
        if all(one.input.strip() for one in task.instances):
            return ""
        if any(re.search(sign, task.instruction) for sign in self.unless):
            return ""
        for cue in self.cues:
            if found := re.search(cue, task.instruction, re.IGNORECASE):
                return f"there is no input for {found.group(0)!r}"
        return ""


class InputIsOutput(BaseRule, frozen=True, tag="input_is_output", kw_only=True):
    """Refuse an instance whose output is its input."""

    def fault(self, task: Task) -> str:
        """Compare."""
        same = any(one.input.strip() == one.output.strip() for one in task.instances)
        return "the output is the input" if same else ""


class ConflictingOutputs(BaseRule, frozen=True, tag="conflicting_outputs", kw_only=True):
    """Refuse a task that answers one non-empty input in two ways."""

    def fault(self, task: Task) -> str:
        """Look for an input that came before with another output."""
        answers: dict[str, str] = {}
        for one in task.instances:
            if one.input and answers.setdefault(one.input, one.output) != one.output:
                return f"two outputs for the input {shortened(one.input)!r}"
        return ""


class LabelImbalance(BaseRule, frozen=True, tag="label_imbalance", kw_only=True):
    """Refuse a classification task whose instances nearly all have one label.

    Nearly all is a share above `max_share`; tasks of fewer than `min_instances` pass. A model
    trained on them learns the label and not the task.
    """

    max_share: Share
    min_instances: Positive = 4

    def fault(self, task: Task) -> str:
        """Count labels, whatever their case."""
        if not task.is_classification or len(task.instances) < self.min_instances:
            return ""
        labels = Counter(" ".join(tokens(one.output)) for one in task.instances)
        label, count = labels.most_common(1)[0]
        share = count / len(task.instances)
        return f"{share:.0%} have the label {shortened(label)!r}" if share > self.max_share else ""
