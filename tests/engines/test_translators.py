"""Translators: what every one promises, tested on small models that are trained here.

They translate a toy language of a dozen words. Nothing here has seen a real translation model.
"""

import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny_translators import BACK, WORDS, by_word, marian_folder, nllb_folder

from selfinstruct.engines import Given
from selfinstruct.engines.translators import Translator, open_translator
from selfinstruct.engines.translators.base import by_line
from selfinstruct.engines.translators.languages import marian_code, marian_prefix, nllb_code
from selfinstruct.errors import EngineError, InputError

TEXTS = [
    "red house",
    "small dog bread",
    "",
    "old tree\n\n  new river\t\nday",
    "  green",
    "blue day\r\nblue",
    "red house",
]

real = [pytest.mark.transformers, pytest.mark.timeout(500)]  # training takes minutes on busy cores


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Train the models of both directions, and one for both."""
    parent = tmp_path_factory.mktemp("translators")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a package is recommended that is not used
        marian_folder(parent, WORDS, "en", "de")
        marian_folder(parent, BACK, "de", "en")
        nllb_folder(parent)
    return parent


def spec_of(kind: str, folder: Path) -> str:
    """Return the spec of the models in a folder."""
    names = {"marian": "marian:{}/opus-{{source}}-{{target}}", "nllb": "nllb:{}/nllb-toy"}
    return names[kind].format(folder)


@pytest.fixture(
    scope="session", params=[pytest.param("marian", marks=real), pytest.param("nllb", marks=real)]
)
def translator(request: pytest.FixtureRequest, folder: Path) -> Iterator[Translator]:
    """Return each translator in turn, open."""
    with open_translator(spec_of(request.param, folder), Given(quiet=True)) as opened:
        yield opened


def test_texts_are_translated_there_and_back(translator: Translator) -> None:
    """Each text has its translation, in the order and the form of the texts; back they are same."""
    there = translator.translate(TEXTS, "en", "de")
    assert there == [
        "rot haus",
        "klein hund brot",
        "",
        "alt baum\n\n  neu fluss\t\ntag",
        "  gruen",
        "blau tag\r\nblau",
        "rot haus",
    ]
    assert translator.translate(there, "de", "en") == TEXTS


def test_company_does_not_change_a_translation(translator: Translator) -> None:
    """A text alone, among others, and in another order has the same translation."""
    together = translator.translate(TEXTS, "en", "de")
    assert translator.translate(TEXTS[::-1], "en", "de") == together[::-1]
    assert [translator.translate([text], "en", "de")[0] for text in TEXTS] == together
    assert translator.translate([], "en", "de") == []


def test_what_is_too_long_has_no_translation(translator: Translator) -> None:
    """A line longer than the model's positions gives "", and so does the text that holds it."""
    long = " ".join(["red", "house"] * 60)
    assert translator.translate([long, "red\n" + long, "red"], "en", "de") == ["", "", "rot"]


@pytest.mark.parametrize("num_beams", [1, 4])
@pytest.mark.parametrize(
    "kind", [pytest.param("marian", marks=real), pytest.param("nllb", marks=real)]
)
def test_a_translation_that_does_not_end_is_none(kind: str, num_beams: int, folder: Path) -> None:
    """max_tokens bounds a translation; one that is cut there is not given as a whole one."""
    given = Given(("max_tokens=3", f"num_beams={num_beams}"), quiet=True)
    with open_translator(spec_of(kind, folder), given) as narrow:
        assert narrow.translate(["red house tree"], "en", "de") == [""]


@pytest.mark.parametrize("num_beams", [1, 5])
@pytest.mark.parametrize("batch_size", [1, 3])
@pytest.mark.parametrize("kind", [pytest.param("nllb", marks=real)])
def test_arguments_reach_the_model(
    kind: str, num_beams: int, batch_size: int, folder: Path
) -> None:
    """Greedy or with beams, one by one or together, this language has the same translations."""
    arguments = (f"num_beams={num_beams}", f"batch_size={batch_size}")
    with open_translator(spec_of(kind, folder), Given(arguments, quiet=True)) as opened:
        assert opened.translate(["old red tree", "dog"], "en", "de") == ["alt rot baum", "hund"]
        assert opened.info.arguments == arguments


def test_info_names_the_models(translator: Translator) -> None:
    """Rows can say which models wrote them, each with its direction, and under which licence."""
    translator.translate(["red"], "en", "de")
    translator.translate(["rot"], "de", "en")
    info = translator.info
    assert info.licence == "cc0-1.0"
    if "opus" in info.model:
        assert info.model == "de-en:opus-de-en en-de:opus-en-de"
        assert [len(part) for part in info.revision.split()] == [18, 18]
    else:
        assert (info.model, len(info.revision)) == ("nllb-toy", 12)
    assert msgspec.json.decode(msgspec.json.encode(info))["model"] == info.model


def test_an_unknown_language_suggests_the_closest(translator: Translator) -> None:
    """A language that is none, or that the model lacks, is refused by name."""
    with pytest.raises(InputError, match="unknown language 'deu_Lat'; did you mean 'de"):
        translator.translate(["red"], "en", "deu_Lat")
    with pytest.raises(InputError, match="source and target are both"):
        translator.translate(["red"], "en", "en")
    with pytest.raises(InputError, match=r"opus-en-fr|unknown language 'fr'"):
        translator.translate(["red"], "en", "fr")


@pytest.mark.parametrize("name", ["sentencepiece", "transformers"])
@pytest.mark.parametrize("kind", [pytest.param("marian", marks=real)])
def test_a_missing_package_says_how_to_install_it(kind: str, name: str, folder: Path) -> None:
    """Without its tokenizer's package, or without transformers, one line says what to type."""
    code = (
        "import sys\n"
        f"sys.modules['{name}'] = None\n"
        "import importlib.util as found\n"
        "whole = found.find_spec\n"
        f"found.find_spec = lambda n, *p: None if n == '{name}' else whole(n, *p)\n"
        "from selfinstruct.engines.translators import open_translator\n"
        "from selfinstruct.errors import EngineError\n"
        "try:\n"
        f"    open_translator({spec_of(kind, folder)!r}).translate(['red'], 'en', 'de')\n"
        "except EngineError as error:\n"
        "    print(error, '|', error.hint)\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    extra = {"sentencepiece": "translate", "transformers": "transformers"}[name]
    assert f"pip install 'selfinstruct[{extra}]'" in result.stdout
    assert name in result.stdout


# --- What needs no model ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("marain:x", "did you mean 'marian'"),
        ("nllb", "names no model"),
        ("nllb:", "names no model"),
        ("marian:Helsinki-NLP/opus-mt-en-de", "which model belongs to which direction"),
        ("marian:opus-{source}-{goal}", "which model belongs to which direction"),
        ("nllb:/no/such/folder", "no such model folder"),
    ],
)
def test_a_spec_that_names_no_translator_is_refused(spec: str, said: str) -> None:
    """Kinds, holes and folders are checked before a library loads, with a hint."""
    with pytest.raises(InputError, match=said) as refused:
        open_translator(spec)
    assert refused.value.hint


def test_an_unknown_argument_is_refused() -> None:
    """Arguments are refused by name, and by their bounds."""
    with pytest.raises(InputError, match="did you mean 'num_beams'"):
        open_translator("nllb:x", Given(("num_beam=2",)))
    with pytest.raises(InputError, match="num_beams=0"):
        open_translator("nllb:x", Given(("num_beams=0",)))


def test_languages_have_the_codes_of_each_kind() -> None:
    """ISO 639-1 codes become NLLB's and stay opus-mt's; a model's own codes pass."""
    codes = ["eng_Latn", "zho_Hans", "zho_Hant", "</s>"]
    assert nllb_code("zh", codes) == "zho_Hans"
    assert nllb_code("zho_Hant", codes) == "zho_Hant"
    assert (marian_code("zh"), marian_code("zle")) == ("zh", "zle")
    assert (marian_code("zho_Hans"), marian_code("nob_Latn")) == ("zh", "nb")
    for wrong in ("German", "qq", "d", "", "../x"):
        with pytest.raises(InputError, match="unknown language"):
            marian_code(wrong)
    with pytest.raises(InputError, match="unknown language 'de'"):
        nllb_code("de", codes)


def test_a_model_of_many_targets_is_told_which() -> None:
    """opus-mt models with several target languages want their marker before each line."""
    assert marian_prefix("de", ()) == ""
    assert marian_prefix("fr", [">>fra<<", ">>spa<<"]) == ">>fra<< "
    assert marian_prefix("zh", [">>cmn_Hans<<", ">>yue_Hant<<"]) == ">>cmn_Hans<< "
    with pytest.raises(InputError, match="does not translate to 'de'"):
        marian_prefix("de", [">>fra<<"])


@given(st.lists(st.text(alphabet="ab \t\n\r写"), max_size=6))
def test_lines_keep_their_place(texts: list[str]) -> None:
    """With a translator that changes nothing, every text comes back as it was."""
    assert by_line(texts, lambda lines: lines) == texts
    asked: list[str] = []
    by_line(texts, lambda lines: asked.extend(lines) or lines)  # type: ignore[func-returns-value]
    assert asked == sorted(set(asked))
    assert all(line == line.strip() != "" for line in asked)


@given(st.lists(st.sampled_from(["a", "b", "a\nb", " \n", ""])))
def test_half_a_translation_is_none(texts: list[str]) -> None:
    """A text with a line that has no translation has none; others are not touched by that."""
    found = by_line(texts, lambda lines: ["" if line == "b" else "x" for line in lines])
    assert found == ["" if "b" in text else text.replace("a", "x") for text in texts]


def test_the_toy_language_is_one_to_one() -> None:
    """What the models are trained on can be translated back."""
    assert len(BACK) == len(WORDS)
    assert by_word(by_word("red house", WORDS), BACK) == "red house"


def test_without_transformers_a_translator_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """A translator whose libraries are not installed names the extra."""
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(EngineError, match="needs the packages torch and transformers") as refused:
        open_translator("nllb:some/model")
    assert "selfinstruct[transformers]" in refused.value.hint
