"""Seed tasks: reading and checking a JSONL file that a person wrote.

Decides: which files are seeds, and what is wrong with those that are not, with file and line.
Does not know: what seeds are used for, or how rows of other forms become seeds.
"""

from collections.abc import Iterator
from pathlib import Path

import msgspec

from selfinstruct.errors import InputError, SelfInstructError
from selfinstruct.task import Instance, Origin, Task, new_task, task_id

MAX_LINE = 1 << 20
"""Bytes of one line: a seed is shown in prompts, so a megabyte is a mistake."""

HINT = 'a seed is one line: {"instruction": …, "instances": [{"input": …, "output": …}], …}'


class SeedLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One line of a seed file. `id` and `name` are the writer's own labels."""

    instruction: str
    instances: tuple[Instance, ...]
    is_classification: bool
    id: str = ""
    name: str = ""
    category: str = ""
    language: str = ""


class Fault(msgspec.Struct, frozen=True):
    """Something wrong with one line (counted from 1; 0: with the file)."""

    line: int
    message: str


def load_seeds(path: Path, *, language: str, licence: str = "") -> list[Task]:
    """Read a seed file; raise InputError naming file, line and cure at the first fault."""
    tasks: list[Task] = []
    for found in scan(path, language=language, licence=licence):
        if isinstance(found, Fault):
            place = f"{path}:{found.line}" if found.line else str(path)
            hint = f"see all faults: selfinstruct seeds check {path}"
            raise InputError(f"{place}: {found.message}", hint=hint)
        tasks.append(found)
    return tasks


def scan(path: Path, *, language: str, licence: str = "") -> Iterator[Task | Fault]:
    """Yield each line of a seed file as a task or as a fault; an empty file is a fault.

    A byte-order mark and CRLF line ends are accepted. Raises InputError when the file cannot be
    opened.
    """
    decoder = msgspec.json.Decoder(SeedLine)
    seen: dict[str, int] = {}
    labels: dict[str, int] = {}
    number = 0
    for number, raw in enumerate(_lines(path), 1):
        line = raw.removeprefix(b"\xef\xbb\xbf") if number == 1 else raw
        try:
            seed = _decoded(decoder, line)
        except SelfInstructError as error:
            yield Fault(number, str(error))
            continue
        name = task_id(seed.instruction)
        if fault := _fault(seed, name, seen, labels):
            yield Fault(number, fault)
            continue
        seen[name] = number
        labels[seed.id or name] = number
        source = f"{path.name}#{seed.id or seed.name or number}"
        yield new_task(
            seed.instruction,
            origin=Origin(kind="seed", source=source, licence=licence),
            language=seed.language or language,
            instances=seed.instances,
            is_classification=seed.is_classification,
            category=seed.category,
        )
    if not number:
        yield Fault(0, "the file is empty; expected one seed task a line")


def _lines(path: Path) -> Iterator[bytes]:
    """Yield the lines of a file without their ends, never more than MAX_LINE + 1 bytes of one."""
    try:
        with path.open("rb") as data:
            while line := data.readline(MAX_LINE + 1):
                yield line.rstrip(b"\r\n") if len(line) <= MAX_LINE else line
                while len(line) > MAX_LINE and not line.endswith(b"\n"):
                    line = data.readline(MAX_LINE + 1)  # the rest of an over-long line
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}", hint=HINT) from error


def _decoded(decoder: msgspec.json.Decoder[SeedLine], line: bytes) -> SeedLine:
    """Decode one line, or say in plain words why it cannot be."""
    if len(line) > MAX_LINE:
        raise InputError(f"the line is longer than {MAX_LINE:,} bytes")
    if not line.strip():
        raise InputError("the line is empty; delete it")
    if b"\0" in line:
        raise InputError("the line holds a NUL byte; is this a text file?")
    try:
        line.decode("utf-8")
        return decoder.decode(line)
    except UnicodeDecodeError as error:
        raise InputError(f"not UTF-8 at byte {error.start + 1}; save the file as UTF-8") from error
    except msgspec.ValidationError as error:
        raise InputError(str(error).replace("Object ", "the seed ", 1)) from error
    except (msgspec.DecodeError, RecursionError) as error:
        raise InputError(f"not JSON: {error}") from error


def seed_fault(seed: SeedLine) -> str:
    """Say what is wrong with a seed whose form is right, "" if nothing is."""
    if not seed.instruction.strip():
        return "the instruction is empty"
    if not seed.instances:
        return "there is no instance; give at least one input with its output"
    if any(not instance.output.strip() for instance in seed.instances):
        return "an instance has an empty output"
    return ""


def _fault(seed: SeedLine, name: str, seen: dict[str, int], labels: dict[str, int]) -> str:
    """Say what is wrong with a seed, alone or beside those before it."""
    if fault := seed_fault(seed):
        return fault
    if name in seen:
        return f"the same instruction as line {seen[name]}"
    if seed.id and seed.id in labels:
        return f"the id {seed.id!r} is already used in line {labels[seed.id]}"
    return ""
