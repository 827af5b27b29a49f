"""Small translation models that are trained here, in half a minute, to translate a few words.

Decides: a toy pair of languages in which each word has one translation, and how a Marian and an
NLLB model learn it. Does not know: what is tested with them. No real translation model is small
enough to come with the tests.
"""

import io
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import Any

WORDS = {
    "red": "rot", "blue": "blau", "green": "gruen", "old": "alt", "new": "neu", "small": "klein",
    "house": "haus", "tree": "baum", "dog": "hund", "river": "fluss", "bread": "brot", "day": "tag",
}  # fmt: skip
BACK = {german: english for english, german in WORDS.items()}
LONGEST = 3
CARD = "---\nlicense: cc0-1.0\n---\n"


def by_word(text: str, words: dict[str, str]) -> str:
    """Translate a text of the toy language."""
    return " ".join(words[word] for word in text.split())


def marian_folder(parent: Path, words: dict[str, str], source: str, target: str) -> Path:
    """Train a Marian model for one direction, and return its folder."""
    import sentencepiece
    import torch
    from transformers import MarianConfig, MarianMTModel, MarianTokenizer

    folder = parent / f"opus-{source}-{target}"
    folder.mkdir(parents=True)
    pieces = _sentencepiece([*words, *words.values()])
    for name in ("source.spm", "target.spm"):
        (folder / name).write_bytes(pieces)
    spm: Any = sentencepiece.SentencePieceProcessor(model_proto=pieces)
    known = [spm.id_to_piece(number) for number in range(spm.get_piece_size())]
    tokens = ["</s>", "<unk>", *(p for p in known if p not in ("</s>", "<unk>", "<s>")), "<pad>"]
    vocabulary = {token: number for number, token in enumerate(tokens)}
    (folder / "vocab.json").write_text(json.dumps(vocabulary), encoding="utf-8")
    tokenizer = MarianTokenizer(
        str(folder / "source.spm"),
        str(folder / "target.spm"),
        str(folder / "vocab.json"),
        source_lang=source,
        target_lang=target,
    )
    pad = vocabulary["<pad>"]
    config = MarianConfig(
        **_size(len(tokens)), pad_token_id=pad, eos_token_id=0, decoder_start_token_id=pad,
        forced_eos_token_id=0,
    )  # fmt: skip
    torch.manual_seed(1)
    model = MarianMTModel(config)
    _train(model, _examples(words), lambda text: tokenizer(text)["input_ids"])
    return _saved(folder, model, tokenizer)


def nllb_folder(parent: Path) -> Path:
    """Train one model of NLLB's kind for both directions, and return its folder."""
    import torch
    from transformers import M2M100Config, M2M100ForConditionalGeneration, NllbTokenizer

    folder = parent / "nllb-toy"
    tokens = ["<s>", "<pad>", "</s>", "<unk>", "▁", *"abcdefghijklmnopqrstuvwxyz"]
    merges: list[tuple[str, str]] = []
    for word in sorted([*WORDS, *BACK]):
        for end in range(1, len(word) + 1):
            pair = (f"▁{word[: end - 1]}", word[end - 1])
            if pair not in merges:
                merges.append(pair)
                tokens.append("".join(pair))
    tokenizer = NllbTokenizer(
        vocab={token: number for number, token in enumerate(tokens)},
        merges=merges,
        additional_special_tokens=["eng_Latn", "deu_Latn", "zho_Hans"],
    )
    config = M2M100Config(
        **_size(len(tokenizer)), pad_token_id=1, bos_token_id=0, eos_token_id=2,
        decoder_start_token_id=2,
    )  # fmt: skip
    torch.manual_seed(1)
    model = M2M100ForConditionalGeneration(config)

    def encode(text: str, language: str) -> list[int]:
        tokenizer.src_lang = language
        return list(tokenizer(text)["input_ids"])

    examples = [(a, b, "eng_Latn", "deu_Latn") for a, b in _examples(WORDS)]
    examples += [(a, b, "deu_Latn", "eng_Latn") for a, b in _examples(BACK)]
    rows = [(encode(a, source), encode(b, target)) for a, b, source, target in examples]
    _fit(model, rows)
    return _saved(folder, model, tokenizer)


def _size(vocabulary: int) -> dict[str, Any]:
    return {
        "vocab_size": vocabulary, "d_model": 64, "encoder_layers": 1, "decoder_layers": 1,
        "encoder_attention_heads": 4, "decoder_attention_heads": 4, "encoder_ffn_dim": 128,
        "decoder_ffn_dim": 128, "max_position_embeddings": 64, "dropout": 0.0,
        "attention_dropout": 0.0, "activation_dropout": 0.0, "encoder_layerdrop": 0.0,
        "decoder_layerdrop": 0.0, "scale_embedding": True,
    }  # fmt: skip


def _sentencepiece(words: Sequence[str]) -> bytes:
    """Train a sentencepiece model on words."""
    import sentencepiece

    written = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter([" ".join(words)] * 20 + list(words) * 20),
        model_writer=written,
        vocab_size=60,
        hard_vocab_limit=False,
        bos_id=-1,
        minloglevel=2,
    )
    return written.getvalue()


def _examples(words: dict[str, str]) -> list[tuple[str, str]]:
    """Return texts with their translations: each word alone, and some of up to LONGEST words."""
    random = Random(5)
    texts = [*words] * 3
    texts += [
        " ".join(random.choices(list(words), k=random.randint(2, LONGEST))) for _ in range(1500)
    ]
    return [(text, by_word(text, words)) for text in texts]


def _train(
    model: Any,  # noqa: ANN401
    examples: Sequence[tuple[str, str]],
    encode: Callable[[str], Sequence[int]],
) -> None:
    _fit(model, [(encode(text), encode(translated)) for text, translated in examples])


def _fit(model: Any, rows: Sequence[tuple[Sequence[int], Sequence[int]]]) -> None:  # noqa: ANN401
    """Train a model on pairs of tokens until it makes no more faults to speak of.

    One thread: the work is too small for more.
    """
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)

    optimizer = torch.optim.AdamW(model.parameters(), lr=4e-3)
    random = Random(7)
    for step in range(600):
        batch = random.sample(list(rows), 48)
        inputs = _padded([a for a, _ in batch], model.config.pad_token_id)
        labels = _padded([b for _, b in batch], -100)
        mask = [[1] * len(a) + [0] * (len(inputs[0]) - len(a)) for a, _ in batch]
        for group in optimizer.param_groups:
            group["lr"] = 4e-3 * min(1.0, (step + 1) / 50)
        loss = model(
            input_ids=torch.tensor(inputs),
            attention_mask=torch.tensor(mask),
            labels=torch.tensor(labels),
        ).loss
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        if loss < 0.005:
            break
    torch.set_num_threads(threads)


def _padded(rows: Sequence[Sequence[int]], pad: int) -> list[list[int]]:
    width = max(map(len, rows))
    return [[*row, *[pad] * (width - len(row))] for row in rows]


def _saved(folder: Path, model: Any, tokenizer: Any) -> Path:  # noqa: ANN401
    model.eval().save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    (folder / "README.md").write_text(CARD, encoding="utf-8")
    return folder
