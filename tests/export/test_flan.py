"""Flan rows: no text is lost in any template, and what a row gets depends on its id alone."""

import json
import re
from collections import Counter
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from export.made import labelled, row, rows, tasks, texts
from selfinstruct.errors import InputError
from selfinstruct.export.base import Row
from selfinstruct.export.flan import Flan, FlanRow
from selfinstruct.export.labels import Options
from selfinstruct.export.mixture import TYPES, Mixture, Rate, load_mixture
from selfinstruct.export.template_sets import HOLES, fill, load_templates

MIXTURE = load_mixture()
LANGUAGES = ["en", "zh", "any"]


def only(kind: str, *, inversion: float = 0.0, per_row: int = 1) -> Mixture:
    """Return a mixture of one type, and of inverted rows."""
    types = {kind: Rate(1.0), "inversion": Rate(inversion)}
    return msgspec.structs.replace(MIXTURE, types=types, templates_per_row=per_row)


def lines(one: Row, mixture: Mixture = MIXTURE) -> list[FlanRow]:
    """Return the Flan rows of a row."""
    return list(Flan(mixture)(one))


@given(tasks())
def test_no_text_is_lost(one: Row) -> None:
    """Whatever is drawn, instruction, input and output are all in the line, byte for byte."""
    for line in lines(one, msgspec.structs.replace(MIXTURE, templates_per_row=8)):
        shown = line.inputs + "\0" + line.targets
        assert one.task.instruction in shown
        assert one.instance.input.strip() in shown
        assert one.instance.output in shown or line.task_source == "SelfInstruct-CoT"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("file", "table"), HOLES)
@given(data=st.data())
def test_every_template_fills_with_any_texts(
    language: str, file: str, table: str, data: st.DataObject
) -> None:
    """A filled template is its own text with the values in place of holes, braces and all."""
    templates = getattr(getattr(load_templates(language), file), table)
    for template in templates:
        holes = HOLES[file, table]
        values = {
            hole: data.draw(st.one_of(texts, st.just("{input}{output}{instruction}")))
            for hole in holes
        }
        parts = re.split(r"\{(\w+)\}", template.inputs)
        expected = "".join(values[p] if n % 2 else p for n, p in enumerate(parts))
        assert fill(template.inputs, values) == expected


LABEL = re.compile(
    r"(?im)(?:\b(?:input|text|material|given|context)|输入|文本|材料|内容)[::]\s*(?=\n|\Z)"
)


@pytest.mark.parametrize("language", ["en", "zh", "de"])
@pytest.mark.parametrize("empty", ["", " ", "\n"])
def test_no_label_dangles_without_input(language: str, empty: str) -> None:
    """A row without input never speaks of one, in any type that it can have."""
    for number in range(200):
        bare = row(f"Name river {number}.", (empty, "It is the river Po, long and slow."),
                   language=language)  # fmt: skip
        for line in lines(bare, msgspec.structs.replace(MIXTURE, templates_per_row=20)):
            if line.task_source == "SelfInstruct":
                assert not LABEL.search(line.inputs), line.inputs


@given(rows, texts, texts)
def test_template_depends_on_the_row_id_alone(one: Row, output: str, other: str) -> None:
    """A row keeps its templates whatever else is in the set, and whatever its texts say."""
    task = row(other, ("x", output)).task
    task = msgspec.structs.replace(task, language=one.task.language)
    first = msgspec.structs.replace(one, task=row(other, ("y", other)).task)
    first = msgspec.structs.replace(
        first, task=msgspec.structs.replace(first.task, language=one.task.language)
    )
    second = msgspec.structs.replace(one, task=task)
    drawn = [[(line.template_id, line.template_idx) for line in lines(r, only("zs_noopt"))]
             for r in (first, second)]  # fmt: skip
    assert drawn[0] == drawn[1]


def test_the_mixture_is_drawn_as_it_is_told() -> None:
    """Over 10,000 rows each type has its share within 2 %, and so has each template of a type."""
    rates = {"zs_noopt": 0.4, "zs_opt": 0.3, "fs_noopt": 0.2, "fs_opt": 0.1, "inversion": 0.25}
    mixture = msgspec.structs.replace(
        MIXTURE, types={kind: Rate(rate) for kind, rate in rates.items()}
    )
    flan = Flan(mixture)
    found = [line for n in range(10_000) for line in flan(labelled(n // 4, n % 4))]
    forward = [line for line in found if line.task_source == "SelfInstruct"]
    assert len(forward) == 10_000
    kinds = Counter(line.template_type for line in forward)
    for kind in TYPES[:4]:
        assert abs(kinds[kind] / 10_000 - rates[kind]) < 0.02, kind
        assert flan.drawn[kind] == kinds[kind]
    assert abs((len(found) - 10_000) / 10_000 - rates["inversion"]) < 0.02
    options = Counter(line.template_id for line in forward if line.template_type == "zs_opt")
    family = load_templates("en").classification.options
    assert set(options) == {template.id for template in family}
    for count in options.values():
        assert abs(count / kinds["zs_opt"] - 1 / len(family)) < 0.02
    inline = sum(line.template_id.startswith("en_inl") for line in forward)
    shots = kinds["fs_noopt"] + kinds["fs_opt"]
    assert abs(inline / shots - MIXTURE.few_shot.inline) < 0.02


def test_types_without_weight_are_never_drawn() -> None:
    """A row that can have none of the types that are wanted has no line."""
    assert not lines(row("Name a river.", ("", "The Po.")), only("fs_opt"))
    assert lines(labelled(1), only("fs_opt"))


def test_a_cap_bounds_a_type() -> None:
    """Once a type has as many rows as its cap, rows get another."""
    types = {"zs_noopt": Rate(1.0), "zs_opt": Rate(5.0, cap=7), "inversion": Rate(1.0, cap=3)}
    flan = Flan(msgspec.structs.replace(MIXTURE, types=types))
    for number in range(200):
        list(flan(labelled(number)))
    assert flan.drawn == {"zs_opt": 7, "inversion": 3, "zs_noopt": 193}


def test_a_cap_holds_within_a_row() -> None:
    """Also where a row is worded many times."""
    types = {"zs_noopt": Rate(1.0), "zs_opt": Rate(9.0, cap=2)}
    flan = Flan(msgspec.structs.replace(MIXTURE, types=types), per_row=8)
    list(flan(labelled(1)))
    assert flan.drawn == {"zs_opt": 2, "zs_noopt": 6}


@given(tasks(), st.integers(1, 40))
def test_no_row_has_a_template_twice(one: Row, many: int) -> None:
    """A row has as many templates as wanted, or as there are, each once."""
    flan = Flan(MIXTURE, per_row=many)
    found = [line for line in flan(one) if line.task_source != "SelfInstruct-II"]
    assert len({line.template_id for line in found}) == len(found) <= many
    if one.task.language != "de":
        assert len(found) >= min(many, 10)


@given(tasks())
def test_exemplars_are_of_the_task_and_never_the_row(one: Row) -> None:
    """A few-shot row shows other instances of its task, with another input, and says how many."""
    for line in lines(one, only("fs_noopt", per_row=4)):
        others = {
            (i.input, i.output)
            for i in one.task.instances
            if i.input.strip() and i.input.split() != one.instance.input.split()
        }
        assert 1 <= line.num_exemplars <= len(others)
        assert one.instance.input.strip()
        assert line.template_type == "fs_noopt"
        assert line.targets == one.instance.output


def test_exemplars_fit_a_budget() -> None:
    """Exemplars are left out until a row fits; one that has none is no few-shot row."""
    pairs = [(f"case {n} " + "word " * 100, f"answer {n}") for n in range(9)]
    long = row("Answer it.", *pairs)
    for budget, most in ((100_000, 5), (600, 2), (200, 0)):
        few = msgspec.structs.replace(MIXTURE.few_shot, max_tokens=budget, inline=0.0)
        mixture = msgspec.structs.replace(only("fs_noopt", per_row=12), few_shot=few)
        found = lines(long, mixture)
        assert max((line.num_exemplars for line in found), default=0) == most
        for line in found:
            assert len((line.inputs + line.targets).encode()) <= budget * 3


@pytest.mark.parametrize("kind", ["zs_opt", "fs_opt"])
def test_options_are_shown_and_answered_in_their_style(kind: str) -> None:
    """Every label is shown; the target is the answer, as the style of the options says it."""
    answers = set()
    for number in range(300):
        one = labelled(number, number % 4)
        (line,) = lines(one, only(kind))
        labels = tuple(line.options.split("\n"))
        assert sorted(labels) == ["blue", "green", "red"]
        shown = [Options(labels, style) for style in load_templates("en").options.style]
        found = [options for options in shown if options.shown() in line.inputs]
        assert line.targets in {options.answer(one.instance.output) for options in found}
        answers.add(line.targets)
    assert len(answers) > 6


REASONED = "Two and two make four, and one more makes five apples. Therefore, the answer is 5."


def test_a_rationale_is_asked_for_where_there_is_one() -> None:
    """A row that reasons has its rationale and its answer in the target, and says so."""
    thinking = row("How many apples are there?", ("2 and 2 and 1", REASONED))
    (line,) = lines(thinking, only("cot"))
    assert line.task_source == "SelfInstruct-CoT"
    assert line.template_type == "zs_noopt"
    assert line.targets.startswith("Two and two make four, and one more makes five apples.")
    assert line.targets.rstrip(".。").endswith("5")
    assert not lines(row("How many?", ("", "Five apples.")), only("cot"))


def test_inverted_rows_are_tasks_of_their_own() -> None:
    """An inverted row asks for input or instruction, and has a task name of its own."""
    one = row("Sort the words.", ("pear, fig", "fig, pear"))
    (plain, inverted) = lines(one, only("zs_noopt", inversion=1.0))
    assert (plain.task_source, inverted.task_source) == ("SelfInstruct", "SelfInstruct-II")
    assert inverted.task_name == f"{plain.task_name}_ii"
    assert inverted.row_id == plain.row_id
    assert inverted.targets in ("pear, fig", "Sort the words.")
    assert "fig, pear" in inverted.inputs
    short = row("What is 3 + 4?", ("", "7"))
    assert len(lines(short, only("zs_noopt", inversion=1.0))) == 1


ONE = 'without_input = []\n[[with_input]]\nid = "a"\ninputs = "{}"'


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("with_input = []\nwithout_inputs = []", "without_inputs"),
        (ONE.format("{instruction}"), "{input}, each"),
        (ONE.format("{input} {input} {instruction}"), "each once"),
        ("with_input", "zero_shot.toml"),
    ],
)
def test_a_faulty_template_is_named(text: str, part: str, tmp_path: Path) -> None:
    """A template of one's own that would lose a text is an error with its file and id."""
    (tmp_path / "en").mkdir()
    (tmp_path / "en" / "zero_shot.toml").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=re.escape(part)) as error:
        load_templates("en", tmp_path)
    assert "zero_shot.toml" in str(error.value)
    assert error.value.hint


def test_templates_of_ones_own_replace_ours(tmp_path: Path) -> None:
    """A file of one's own takes the place of ours; a file that is not there is ours."""
    (tmp_path / "en").mkdir()
    own = '[[with_input]]\nid="x"\ninputs="{input}??{instruction}"\n'
    own += '[[without_input]]\nid="y"\ninputs="!{instruction}"\n'
    (tmp_path / "en" / "zero_shot.toml").write_text(own, encoding="utf-8")
    flan = Flan(only("zs_noopt"), tmp_path)
    (line,) = flan(row("Sort.", ("b a", "a b")))
    assert (line.inputs, line.template_id) == ("b a??Sort.", "x")
    assert load_templates("en", tmp_path).few_shot == load_templates("en").few_shot


@pytest.mark.parametrize(
    ("language", "like"),
    [
        ("zh-TW", "zh"),
        ("en-GB", "en"),
        ("de", "any"),
        ("../en", "any"),
        ("", "any"),
        ("e/n", "any"),
    ],
)
def test_a_language_has_the_closest_templates(language: str, like: str, tmp_path: Path) -> None:
    """A variety has those of its language; what is no language has those without words."""
    assert load_templates(language) == load_templates(like)
    assert load_templates(language, tmp_path) == load_templates(like)


def test_rows_of_a_run_have_one_shape() -> None:
    """Every line has the same fields with the same types, so that readers guess nothing."""
    flan = Flan(msgspec.structs.replace(MIXTURE, templates_per_row=6))
    mixed = [labelled(1), row("A?", ("", "B, of course, and C."), language="zh")]
    shapes = {
        json.dumps({k: type(v).__name__ for k, v in msgspec.to_builtins(line).items()})
        for one in mixed
        for line in flan(one)
    }
    assert len(shapes) == 1
