"""An engine that answers from a script: for tests, demonstrations and replays.

Decides: which reply belongs to a prompt. Goes through the same interface as a real model.
Does not know: tasks or stages, beyond the text of a key.

Three kinds of script: a list (the first prompt gets the first reply, and so on), a function
from prompt to reply, and a JSONL file of {"key": PATTERN, "text": …, "finish": …}. A file
answers by key alone, whatever the order of the prompts, so a run on it can be resumed: an exact
key first, else one of the replies whose shell pattern ("*/propose/*") fits, picked by a digest
of the key. A prompt with an answer is for the lines that have "log_likelihood", and no other is.
"""

import codecs
import fnmatch
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Self

import msgspec

from selfinstruct.engines.base import (
    Completion,
    EngineInfo,
    Finish,
    Prompt,
    cut_at_stop,
    failed,
)
from selfinstruct.errors import InputError
from selfinstruct.task import digest

Reply = str | Completion

HINT = 'each line is {"key": "*/propose/*", "text": "…"} or has "log_likelihood": -1.5 for "text"'


class ScriptLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One line of a script file: the reply for keys that fit `key`, either a text or a number."""

    text: str | msgspec.UnsetType = msgspec.UNSET
    key: str = "*"
    finish: Finish = "stop"
    error: str = ""
    log_likelihood: Annotated[float, msgspec.Meta(le=0)] | None = None

    def __post_init__(self) -> None:
        """Refuse a line that replies nothing, or twice."""
        if self.text is msgspec.UNSET and self.log_likelihood is None:
            raise ValueError("Object missing required field `text` (or `log_likelihood`)")
        if self.text is not msgspec.UNSET and self.log_likelihood is not None:
            raise ValueError("either `text` or `log_likelihood`, not both")


class ScriptedEngine:
    """Answers prompts from a list, a function, or a file of keyed replies."""

    def __init__(
        self,
        script: Sequence[Reply] | Callable[[Prompt], Reply] | Path,
        *,
        info: EngineInfo | None = None,
    ) -> None:
        scripted = EngineInfo(model="scripted", licence="CC0-1.0", chat=True, scores=True)
        self.info = info or scripted
        self.prompts: list[Prompt] = []
        if isinstance(script, Path):
            self._reply = _from_file(script)
        elif callable(script):
            self._reply = script
        else:
            replies = iter(script)
            self._reply = lambda prompt: next(replies, _exhausted(prompt))

    def complete(self, prompts: Iterable[Prompt | None]) -> Iterator[Completion]:
        """Answer each prompt as it comes; `self.prompts` keeps what was asked."""
        for prompt in prompts:
            if prompt is not None:
                self.prompts.append(prompt)
                yield _obey(prompt, self._reply(prompt))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        """Nothing to release."""


def _obey(prompt: Prompt, reply: Reply) -> Completion:
    """Make a reply keep the prompt's terms: its key, stop strings and token limit.

    A token is a white-space separated word here.
    """
    if isinstance(reply, str):
        reply = Completion(key=prompt.key, text=reply, finish="stop")
    if reply.finish == "error":
        return msgspec.structs.replace(reply, key=prompt.key)
    if prompt.answer is not None:
        return _rated(prompt, prompt.answer, reply)
    text = cut_at_stop(reply.text, prompt.sampling.stop)
    finish: Finish = "stop" if len(text) < len(reply.text) else reply.finish
    words = list(re.finditer(r"\S+", text))
    if len(words) > prompt.sampling.max_tokens:
        text, finish = text[: words[prompt.sampling.max_tokens].start()].rstrip(), "length"
    return Completion(
        key=prompt.key,
        text=text,
        finish=finish,
        prompt_tokens=reply.prompt_tokens or _size(prompt),
        completion_tokens=reply.completion_tokens or len(text.split()),
    )


def _rated(prompt: Prompt, answer: str, reply: Completion) -> Completion:
    """Return the log-likelihood of a reply, in the form of a prompt with an answer."""
    if reply.log_likelihood is None:
        return failed(prompt, "the script has no log-likelihood for this answer")
    return Completion(
        key=prompt.key,
        text="",
        finish="stop",
        prompt_tokens=reply.prompt_tokens or _size(prompt),
        completion_tokens=reply.completion_tokens or len(answer.split()),
        log_likelihood=reply.log_likelihood,
    )


def _size(prompt: Prompt) -> int:
    """Return the words of a prompt."""
    return len((prompt.text + " ".join(turn.content for turn in prompt.messages)).split())


def _exhausted(prompt: Prompt) -> Completion:
    """Answer a prompt that the list has no reply for."""
    return Completion(prompt.key, "", "error", error="the script has no reply left")


def _from_file(path: Path) -> Callable[[Prompt], Reply]:
    """Return the function that answers from a script file."""
    exact: dict[tuple[bool, str], ScriptLine] = {}
    patterns: dict[str, list[ScriptLine]] = {}
    for row in _rows(path):
        if any(char in row.key for char in "*?["):
            patterns.setdefault(row.key, []).append(row)
        else:
            exact[row.log_likelihood is not None, row.key] = row

    def reply(prompt: Prompt) -> Reply:
        is_rating = prompt.answer is not None
        if (is_rating, prompt.key) in exact:
            return _reply(prompt, exact[is_rating, prompt.key])
        fitting = [
            row
            for pattern, rows in patterns.items()
            if fnmatch.fnmatchcase(prompt.key, pattern)
            for row in rows
            if (row.log_likelihood is not None) == is_rating
        ]
        if not fitting:
            return _exhausted(prompt)
        return _reply(prompt, fitting[int(digest(prompt.key), 16) % len(fitting)])

    return reply


def _reply(prompt: Prompt, row: ScriptLine) -> Completion:
    """Return what a line says."""
    return Completion(
        prompt.key,
        row.text or "",  # UNSET counts as false
        row.finish,
        error=row.error,
        log_likelihood=row.log_likelihood,
    )


def _rows(path: Path) -> Iterator[ScriptLine]:
    """Read a script file; raise InputError with file and line for a bad one."""
    decoder = msgspec.json.Decoder(ScriptLine)
    try:
        lines = path.read_bytes().removeprefix(codecs.BOM_UTF8).splitlines()
    except OSError as error:
        message = f"cannot read the script {path}: {error.strerror}"
        raise InputError(message, hint="give a JSONL file: --engine scripted:FILE") from error
    if not lines:
        raise InputError(f"{path}: the script is empty", hint=HINT)
    for number, line in enumerate(lines, 1):
        try:
            yield decoder.decode(line)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise InputError(f"{path}:{number}: {error}", hint=HINT) from error
