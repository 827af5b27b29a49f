"""The export templates as data: each set holds what its README promises, whatever reads it.

Does not know: what the marks of answers find (test_answer_marks.py).
"""

import re
import tomllib
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from rapidfuzz.distance import Levenshtein

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "selfinstruct" / "export" / "templates"
LANGUAGES = sorted(path.name for path in FOLDER.iterdir() if path.is_dir())
WORDLESS = "any"
LABELS = ("letter", "LETTER", "number")


class Family(NamedTuple):
    """One array of tables: the holes of its fields, the least size, and that without words."""

    file: str
    name: str
    holes: dict[str, tuple[str, ...]]
    least: int = 10
    wordless: int = 3
    plain: tuple[str, ...] = ()
    """Fields without holes."""


INPUT, TASK = ("instruction", "input"), ("instruction",)
REASONED = ("rationale", "answer")
FAMILIES = [
    Family("zero_shot", "with_input", {"inputs": INPUT}),
    Family("zero_shot", "without_input", {"inputs": TASK}),
    Family("classification", "options", {"inputs": (*INPUT, "options")}),
    Family("classification", "options_without_input", {"inputs": (*TASK, "options")}, least=6),
    Family("classification", "no_options", {"inputs": INPUT}),
    Family("options", "style", {}, plain=("lead", "item", "separator", "answer")),
    Family(
        "few_shot",
        "few_shot",
        {"inputs": (*TASK, "examples", "input"), "example": ("input", "output")},
        plain=("separator",),
    ),
    Family("few_shot", "inline", {"inputs": (*INPUT, "example_input", "example_output")}),
    Family("reasoning", "with_input", {"inputs": INPUT, "targets": REASONED}, wordless=0),
    Family("reasoning", "without_input", {"inputs": TASK, "targets": REASONED}, wordless=0),
    Family("inversion", "instruction", {"inputs": ("output",)}, 8, 0),
    Family("inversion", "instruction_with_input", {"inputs": ("input", "output")}, 8, 0),
    Family("inversion", "input", {"inputs": (*TASK, "output")}, 8, 0),
]
LISTS = {"reasoning": {"answer_words", "answer_marks"}, "system": {"prompts"}}
FILES = sorted({family.file for family in FAMILIES} | set(LISTS))

# What a label would call an input; a row without one has no use for it.
OF_AN_INPUT = re.compile(
    r"(?i)\b(?:input|text|material|passage|context|item|case|given)s?\b"
    "|输入|文本|材料|内容|原文|资料|条目|已知|给出"
)


def read(language: str, file: str) -> dict[str, Any]:
    """Return one file of a set."""
    return tomllib.loads((FOLDER / language / f"{file}.toml").read_text(encoding="utf-8"))


def entries() -> Iterator[tuple[str, Family, dict[str, str]]]:
    """Yield every entry of every set."""
    for language in LANGUAGES:
        for family in FAMILIES:
            for entry in read(language, family.file)[family.name]:
                yield language, family, entry


def templates() -> Iterator[tuple[str, Family, str]]:
    """Yield every text that has holes, but for the options, which are no whole prompts."""
    for language, family, entry in entries():
        for field in family.holes:
            yield language, family, entry[field]


def holes(text: str) -> list[str]:
    """Return the holes of a template in alphabetical order, repeated ones too."""
    return sorted(re.findall(r"\{([^{}]*)\}", text))


def pieces(text: str) -> list[str]:
    """Split a template into holes, words (a run of Han is one), symbols and line breaks."""
    return re.findall(r"\{\w+\}|[一-鿿]+|[A-Za-z]+|[^\w ]", text)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_set_has_its_files_and_each_file_its_families(language: str) -> None:
    """A set is seven files, each with a header and with the families of its kind, no more."""
    assert sorted(path.name for path in (FOLDER / language).iterdir()) == [
        f"{file}.toml" for file in FILES
    ]
    for file in FILES:
        expected = {family.name for family in FAMILIES if family.file == file}
        assert set(read(language, file)) == expected | LISTS.get(file, set()), file
        assert (FOLDER / language / f"{file}.toml").read_text(encoding="utf-8").startswith("# ")


@pytest.mark.parametrize("language", LANGUAGES)
def test_families_are_large_enough(language: str) -> None:
    """A family with words has at least ten wordings (inversion eight), one without three."""
    for family in FAMILIES:
        least = family.wordless if language == WORDLESS else family.least
        assert len(read(language, family.file)[family.name]) >= least, family
    if language != WORDLESS:
        assert len(read(language, "system")["prompts"]) >= 10


@pytest.mark.parametrize("language", LANGUAGES)
def test_ids_are_unique_and_name_their_language(language: str) -> None:
    """No two entries of a language share an id, and the language is its beginning."""
    ids = [entry["id"] for spoken, _, entry in entries() if spoken == language]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(rf"{language}(_[a-z]+)+_\d\d", one) for one in ids)


def test_each_hole_occurs_once_and_no_other_brace() -> None:
    """Each field has the holes of its family, each once; no field is missing or unknown."""
    for _, family, entry in entries():
        assert set(entry) == {"id", *family.holes, *family.plain}, entry
        for field, expected in family.holes.items():
            assert holes(entry[field]) == sorted(expected), entry
            assert not re.search(r"[{}]", re.sub(r"\{\w+\}", "", entry[field])), entry


def test_no_label_dangles() -> None:
    """A label at the end of a line is filled next, or is where the output starts."""
    for _, _, text in templates():
        assert text == text.strip()
        assert not re.search(r"[ \t]\n", text), text
        for label in re.finditer(r"[：:]$", text, re.MULTILINE):
            rest = re.sub(r"<[^<>{}\s]+>", "", text[label.end() :])
            assert re.match(r"[^\w{]*(?:\{|\Z)", rest), text
        last = text.splitlines()[-1]
        if not holes(last) and re.search(r"\w", last):
            assert re.search(r"[.!?:。！？：>\]】]\Z", last), text


def test_rows_without_input_see_no_label_of_an_input() -> None:
    """A template that takes no input has no label, tag or heading that announces one."""
    for _, family, text in templates():
        if "{input}" not in text and family.name != "input":  # there the target is the input
            found = re.findall(r"[^\n{}：:]*(?=[：:])|<[^<>]+>|【[^】]+】|\[[^\]]+\]", text)
            assert not any(OF_AN_INPUT.search(label) for label in found), text


@pytest.mark.parametrize("language", LANGUAGES)
def test_wordings_differ_in_more_than_a_word(language: str) -> None:
    """Within a family, no wording is another with one word changed; layouts are all different."""
    for family in FAMILIES:
        rows = read(language, family.file)[family.name]
        shown = {tuple(text for field, text in row.items() if field != "id") for row in rows}
        assert len(shown) == len(rows), family
        if family.holes and language != WORDLESS:
            for one, other in combinations([pieces(row["inputs"]) for row in rows], 2):
                assert Levenshtein.distance(one, other) > 1, (one, other)


@pytest.mark.parametrize("language", LANGUAGES)
def test_styles_show_each_option_and_answer_as_shown(language: str) -> None:
    """An item has its option once and one label at most; the answer stands in it literally."""
    styles = read(language, "options")["style"]
    for style in styles:
        used = holes(style["item"])
        assert used.count("option") == 1, style
        assert len(used) == 1 or (len(used) == 2 and {*used} - {"option"} < {*LABELS}), style
        assert len(holes(style["answer"])) == 1, style
        assert style["answer"] in style["item"], style
        assert not re.search(r"[{}]", style["lead"] + style["separator"]), style
        assert not style["lead"] or style["lead"].endswith(("\n", " ", "：")), style
        assert style["item"] == style["item"].strip(), style
    literal = [style for style in styles if style["answer"] == "{option}"]
    least = 3 if language == WORDLESS else 4
    assert min(len(literal), len(styles) - len(literal)) >= least
    assert any("\n" in style["separator"] for style in styles)
    assert any("\n" not in style["separator"] for style in styles)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_query_has_the_form_of_an_example(language: str) -> None:
    """What follows the examples is an example up to where its output starts."""
    for shots in read(language, "few_shot")["few_shot"]:
        _, _, query = shots["inputs"].partition("{examples}")
        before, _, after = shots["example"].partition("{output}")
        assert query == before.rstrip(), shots
        assert not after, shots
        assert shots["separator"].startswith("\n"), shots
        assert shots["separator"].endswith("\n"), shots


def test_chinese_is_written_as_chinese() -> None:
    """Chinese templates have simplified characters, full-width punctuation, no Latin words."""
    spoken = [text for language, _, text in templates() if language == "zh"]
    leads = [style["lead"] for style in read("zh", "options")["style"]]
    for text in (*spoken, *leads, *read("zh", "system")["prompts"]):
        bare = re.sub(r"\{\w+\}", "", text)
        bare.encode("gb2312")  # the characters of the simplified standard
        assert not re.search(r"[A-Za-z,.:;?!()]", bare), text


def test_layouts_without_words_have_none() -> None:
    """The set for other languages holds symbols and line breaks only."""
    assert not any(
        re.search(r"\w", re.sub(r"\{\w+\}", "", text))
        for language, _, text in templates()
        if language == WORDLESS
    )
    assert not any(style["lead"] for style in read(WORDLESS, "options")["style"])
    assert read(WORDLESS, "system")["prompts"] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_system_prompts_are_short_and_without_holes(language: str) -> None:
    """A system prompt is a line of at most a hundred characters, and no two are the same."""
    prompts = read(language, "system")["prompts"]
    assert len(set(prompts)) == len(prompts)
    for prompt in prompts:
        assert re.fullmatch(r"[^\s{}][^\n{}]{0,98}[.。]", prompt), prompt


def test_the_readme_names_every_file_and_hole() -> None:
    """README.md of the templates tells of each file, each family and each hole."""
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    named = {f"{file}.toml" for file in FILES} | {family.name for family in FAMILIES}
    used = {hole for family in FAMILIES for one in family.holes.values() for hole in one}
    for word in named | {f"{{{hole}}}" for hole in (*used, "option", *LABELS)}:
        assert f"`{word}`" in text, word
