"""Seed files: what is a seed, and what is said of a line that is none."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfinstruct.errors import InputError
from selfinstruct.resources import data_dir
from selfinstruct.seeds import MAX_LINE, Fault, load_seeds, scan
from selfinstruct.task import Task

GOOD = {
    "instruction": "Name a river that flows through two countries.",
    "instances": [{"input": "", "output": "The Rhine flows through more than two."}],
    "is_classification": False,
}


def seed(number: int = 0, **changes: object) -> bytes:
    """Return a good seed line, with some fields changed (None: left out)."""
    row = {**GOOD, "instruction": f"{GOOD['instruction']} ({number})", **changes}
    kept = {name: value for name, value in row.items() if value is not None}
    return json.dumps(kept, ensure_ascii=False).encode()


def written(folder: Path, *lines: bytes, end: bytes = b"\n") -> Path:
    """Write lines to a seed file."""
    path = folder / "seeds.jsonl"
    path.write_bytes(b"".join(line + end for line in lines))
    return path


BAD_LINES = {
    "broken JSON": (b'{"instruction": "half', "not JSON"),
    "not an object": (b"[1, 2]", "got `array`"),
    "a bare word": (b"hello", "not JSON"),
    "two objects": (seed() + seed(), "not JSON"),
    "instruction is a number": (seed(instruction=3), "Expected `str`, got `int`"),
    "instances is a text": (seed(instances="x"), "Expected `array`, got `str`"),
    "an instance is a text": (seed(instances=["x"]), "$.instances[0]"),
    "an output is null": (seed(instances=[{"input": "", "output": None}]), "$.instances[0].output"),
    "is_classification is a text": (seed(is_classification="no"), "Expected `bool`, got `str`"),
    "no instruction": (seed(instruction=None), "missing required field `instruction`"),
    "no instances": (seed(instances=None), "missing required field `instances`"),
    "no is_classification": (seed(is_classification=None), "field `is_classification`"),
    "no output": (seed(instances=[{"input": ""}]), "missing required field `output`"),
    "an unknown field": (seed(instuction="x"), "unknown field `instuction`"),
    "an unknown field inside": (
        seed(instances=[{"input": "", "output": "x", "o": 1}]),
        "field `o`",
    ),
    "an empty instruction": (seed(instruction=" \t"), "the instruction is empty"),
    "an empty list of instances": (seed(instances=[]), "there is no instance"),
    "an empty output": (seed(instances=[{"input": "", "output": " "}]), "empty output"),
    "a blank line": (b"", "the line is empty"),
    "a line of spaces": (b"   ", "the line is empty"),
    "a NUL byte": (seed() + b"\0", "NUL"),
    "Latin-1": ('{"instruction": "caf\u00e9"}'.encode("latin-1"), "not UTF-8 at byte 21"),
    "half a character": (b'{"instruction": "\xe4\xbd"}', "not UTF-8"),
    "a lone surrogate": (b'{"instruction": "\\ud800"}', "not JSON"),
    "an over-long line": (seed(category="x" * MAX_LINE), "longer than 1,048,576 bytes"),
    "ten megabytes": (seed(category="x" * 10_000_000), "longer than 1,048,576 bytes"),
    "deep nesting": (b"[" * 200_000, "got `array`"),
}


@pytest.mark.parametrize(("line", "says"), BAD_LINES.values(), ids=BAD_LINES)
def test_bad_line_is_named_with_file_line_and_hint(line: bytes, says: str, tmp_path: Path) -> None:
    """A line that is no seed is refused with its file, its number and what is wrong with it."""
    path = written(tmp_path, seed(1), line, seed(2))
    with pytest.raises(InputError) as error:
        load_seeds(path, language="en")
    assert str(error.value).startswith(f"{path}:2: ")
    assert says in str(error.value)
    assert "selfinstruct seeds check" in error.value.hint
    assert error.value.exit_code == 2


def test_bad_lines_do_not_hide_the_others(tmp_path: Path) -> None:
    """A scan goes on after each fault, so that all are seen at once, each with its line."""
    path = written(tmp_path, *(line for line, _ in BAD_LINES.values()), seed(9))
    found = list(scan(path, language="en"))
    faults = [one for one in found if isinstance(one, Fault)]
    assert [fault.line for fault in faults] == list(range(1, len(BAD_LINES) + 1))
    assert [one.instruction[-3:] for one in found if isinstance(one, Task)] == ["(9)"]


def test_same_instruction_twice_names_both_lines(tmp_path: Path) -> None:
    """An instruction that differs from an earlier one in white space alone is a duplicate."""
    path = written(tmp_path, seed(instruction="Name a river."), seed(instruction=" Name  a river."))
    with pytest.raises(InputError, match=r":2: the same instruction as line 1"):
        load_seeds(path, language="en")


def test_same_id_twice_names_both_lines(tmp_path: Path) -> None:
    """An id of the writer's own may be used once."""
    path = written(tmp_path, seed(1, id="a"), seed(2), seed(3, id="a"))
    with pytest.raises(InputError, match=r":3: the id 'a' is already used in line 1"):
        load_seeds(path, language="en")


@pytest.mark.parametrize("content", [b"", b"\xef\xbb\xbf", b"\n"], ids=["empty", "BOM", "newline"])
def test_file_without_seeds_is_refused(content: bytes, tmp_path: Path) -> None:
    """A file that holds nothing is not a set of no seeds."""
    path = tmp_path / "seeds.jsonl"
    path.write_bytes(content)
    with pytest.raises(InputError, match="empty"):
        load_seeds(path, language="en")


def test_bom_crlf_and_missing_last_newline_are_accepted(tmp_path: Path) -> None:
    """A file from a Windows editor gives the same tasks as one with plain newlines."""
    plain = load_seeds(written(tmp_path, seed(1), seed(2)), language="en")
    path = tmp_path / "seeds.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + seed(1) + b"\r\n" + seed(2))
    assert load_seeds(path, language="en") == plain


@pytest.mark.parametrize("name", [".", "missing.jsonl", "file/below.jsonl"])
def test_what_cannot_be_opened_is_named(name: str, tmp_path: Path) -> None:
    """A folder, a missing file and a path below a file are refused by name."""
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(InputError, match="cannot read") as error:
        load_seeds(tmp_path / name, language="en")
    assert str(tmp_path / name) in str(error.value)


@given(st.binary(max_size=200))
def test_any_bytes_give_tasks_or_faults(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    """Whatever a file holds, reading it ends in tasks and faults, never in another error."""
    path = tmp_path_factory.getbasetemp() / "any.jsonl"
    path.write_bytes(content)
    for found in scan(path, language="en"):
        assert isinstance(found, (Task, Fault))


texts = st.text(min_size=1).filter(str.strip)


@given(instruction=texts, given_input=st.text(), output=texts)
def test_texts_are_kept_byte_for_byte(
    tmp_path_factory: pytest.TempPathFactory, instruction: str, given_input: str, output: str
) -> None:
    """No text of a seed is changed, not even white space at its ends."""
    row = seed(instruction=instruction, instances=[{"input": given_input, "output": output}])
    path = tmp_path_factory.getbasetemp() / "texts.jsonl"
    path.write_bytes(row + b"\n")
    (task,) = load_seeds(path, language="en")
    assert task.instruction == instruction
    assert [(one.input, one.output) for one in task.instances] == [(given_input, output)]


def test_origin_names_file_and_label(tmp_path: Path) -> None:
    """A seed's origin says which line it is: by its id, else its name, else its number."""
    path = written(tmp_path, seed(1, id="a"), seed(2, name="b"), seed(3))
    tasks = load_seeds(path, language="en", licence="CC0-1.0")
    assert [task.origin.source for task in tasks] == [f"seeds.jsonl#{x}" for x in ("a", "b", "3")]
    assert {(task.origin.kind, task.origin.licence) for task in tasks} == {("seed", "CC0-1.0")}


def test_language_of_a_line_wins(tmp_path: Path) -> None:
    """A seed says its own language, or has that of the file."""
    path = written(tmp_path, seed(1, language="zh"), seed(2))
    assert [task.language for task in load_seeds(path, language="en")] == ["zh", "en"]


@pytest.mark.parametrize("path", sorted(data_dir("seeds").glob("*.jsonl")), ids=lambda p: p.stem)
def test_seeds_that_ship_are_good(path: Path) -> None:
    """Each shipped file holds 175 seeds, without a fault."""
    assert len(load_seeds(path, language=path.stem)) == 175
