"""A tiny random Llama and a tokenizer trained on the export, so that no test fetches a model.

Decides: that the tokenizer is byte-level BPE (any text in, the same text out), where it may not
merge, and what a chat looks like. Does not know: which trainer uses them.
"""

from collections.abc import Iterable, Iterator
from typing import Any

END, PAD = "<|end|>", "<|pad|>"
ROLES = ("<|system|>", "<|user|>", "<|assistant|>")
CHAT = (
    "{%- for message in messages -%}"
    "{{ '<|' + message['role'] + '|>' }}"
    "{%- if message['role'] == 'assistant' -%}"
    "{%- generation -%}{{ message['content'] + '<|end|>' }}{%- endgeneration -%}"
    "{%- else -%}{{ message['content'] + '<|end|>' }}{%- endif -%}"
    "{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{ '<|assistant|>' }}{%- endif -%}"
)
"""A chat template that marks what the assistant says, so that the loss can be on that alone."""

PIECES = {
    "blanks lead": "",
    "marks take line ends": (
        r" ?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
    ),
}
"""Where tokens end at the least: as in GPT-2 and its like, and as in Llama 3, Qwen and theirs."""


def texts_of(value: object) -> Iterator[str]:
    """Yield every string in a row."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from texts_of(inner)


def tokenizer(rows: Iterable[object], pieces: str = "blanks lead") -> Any:  # noqa: ANN401
    """Train a byte-level tokenizer of 400 tokens on all strings of some rows."""
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    made = Tokenizer(models.BPE())
    level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=not PIECES[pieces])
    made.pre_tokenizer = level
    if PIECES[pieces]:
        split = pre_tokenizers.Split(Regex(PIECES[pieces]), behavior="isolated")
        made.pre_tokenizer = pre_tokenizers.Sequence([split, level])
    made.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=[END, PAD, *ROLES],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    made.train_from_iterator((text for row in rows for text in texts_of(row)), trainer)
    fast = PreTrainedTokenizerFast(tokenizer_object=made, eos_token=END, pad_token=PAD)
    fast.chat_template = CHAT
    return fast


def llama(words: Any, kind: str = "LlamaForCausalLM", **more: int) -> Any:  # noqa: ANN401
    """Return a random Llama of two layers for a tokenizer, always the same one."""
    import torch
    import transformers

    config = transformers.LlamaConfig(
        vocab_size=len(words),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=4096,
        bos_token_id=None,
        eos_token_id=words.eos_token_id,
        pad_token_id=words.pad_token_id,
        **more,
    )
    torch.manual_seed(7)
    return getattr(transformers, kind)(config)


def weights(model: Any) -> dict[str, Any]:  # noqa: ANN401
    """Return a copy of a model's weights by name."""
    return {name: weight.detach().clone() for name, weight in model.named_parameters()}


def supervised(batch: Any, words: Any) -> list[str]:  # noqa: ANN401
    """Return for each row of a collated batch the text that the loss is computed on."""
    return [words.decode(labels[labels != -100]) for labels in batch["labels"]]
