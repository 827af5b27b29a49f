"""The engine on transformers: what a batch may not change, and what fails how."""

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
import pytest
from setup_transformers import opened
from small_folder import small_folder

from selfinstruct.engines import Completion, Message, Prompt, Sampling
from selfinstruct.engines.transformers import TransformersEngine

pytestmark = pytest.mark.transformers

OPENINGS = ("A list of odd animals:", "Once", "Q: What is the capital of France?\nA:", "1. One\n2.")


@pytest.fixture(scope="module")
def engine() -> Iterator[TransformersEngine]:
    """Return the small model, open."""
    with opened() as engine:
        assert isinstance(engine, TransformersEngine)
        yield engine


@pytest.fixture(scope="module")
def tokenizer() -> Any:  # noqa: ANN401 (has no types where it is not installed)
    """Return the small model's own tokenizer."""
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(small_folder())


def answers(engine: TransformersEngine, prompts: Sequence[Prompt]) -> dict[str, Completion]:
    """Complete prompts and return the completions by key."""
    return {completion.key: completion for completion in engine.complete(prompts)}


def ask(engine: TransformersEngine, text: str, **sampling: Any) -> Completion:  # noqa: ANN401
    """Complete one text."""
    return answers(engine, [Prompt("k", text, sampling=Sampling(**sampling))])["k"]


def test_a_text_does_not_depend_on_its_company(engine: TransformersEngine) -> None:
    """A prompt with its seed gets the same text alone, among 5 or 16, longer or shorter ones."""
    sampling = Sampling(max_tokens=16, temperature=1.0, top_p=0.95)
    prompts = [
        Prompt(f"{n}", "Say. " * (n % 5) + OPENINGS[n % 4], sampling=sampling) for n in range(16)
    ]
    prompts = [
        msgspec.structs.replace(
            prompt, sampling=msgspec.structs.replace(sampling, seed=n, max_tokens=12 + n % 4)
        )
        for n, prompt in enumerate(prompts)
    ]
    all_of_them = answers(engine, prompts)
    few, back = answers(engine, prompts[:5]), answers(engine, prompts[::-1][-11:])
    for prompt in prompts[:3]:
        alone = answers(engine, [prompt])[prompt.key]
        assert {batch[prompt.key].text for batch in (all_of_them, few, back)} == {alone.text}


def test_only_the_seed_tells_two_equal_prompts_apart(engine: TransformersEngine) -> None:
    """Equal seeds give equal texts in one batch, other seeds other texts."""
    prompts = [
        Prompt(f"{n}", OPENINGS[0], sampling=Sampling(max_tokens=12, temperature=1.0, seed=n // 2))
        for n in range(4)
    ]
    texts = [completion.text for _, completion in sorted(answers(engine, prompts).items())]
    assert texts[0] == texts[1]
    assert texts[2] == texts[3]
    assert texts[0] != texts[2]


@pytest.mark.parametrize("text", OPENINGS)
def test_greedy_text_is_that_of_transformers(
    engine: TransformersEngine,
    tokenizer: Any,  # noqa: ANN401
    text: str,
) -> None:
    """At temperature 0 the text is what the model's own greedy search writes."""
    ids = tokenizer(text, return_tensors="pt")
    written = engine._model.generate(**ids, max_new_tokens=16, do_sample=False, eos_token_id=2)
    new = written[0][ids["input_ids"].shape[1] :]
    found = ask(engine, text, max_tokens=16)
    assert found.text == tokenizer.decode(new, skip_special_tokens=True)
    assert found.completion_tokens == len(new)
    assert found.prompt_tokens == ids["input_ids"].shape[1]


def test_a_stop_string_is_found_across_tokens(engine: TransformersEngine) -> None:
    """Wherever its ends lie among the tokens, a stop string ends the text just before it."""
    whole = ask(engine, OPENINGS[2], max_tokens=24)
    for begin in range(2, 14, 3):
        mark = whole.text[begin : begin + 5]
        found = ask(engine, OPENINGS[2], max_tokens=24, stop=("§", mark))
        assert found.text == whole.text[: whole.text.index(mark)]
        assert found.finish == "stop"
        assert found.completion_tokens < whole.completion_tokens


def test_choices_that_do_not_fit_are_an_error(engine: TransformersEngine) -> None:
    """A choice longer than max_tokens is never cut; where none fits, the prompt fails by name."""
    found = ask(engine, "Is it?", max_tokens=1, choices=(" Yes", " It may well be"))
    assert found.text == " Yes"
    found = ask(engine, "Is it?", max_tokens=1, choices=(" It may well be",))
    assert found.finish == "error"
    assert found.error == "k: none of the choices fits in 1 tokens"


def test_a_completion_ends_with_the_context(engine: TransformersEngine, tokenizer: Any) -> None:  # noqa: ANN401
    """Where the context ends before max_tokens, the text ends there, with finish "length"."""
    text = "Count: one, two, three, four, five,"
    size = len(tokenizer(text)["input_ids"])
    info = msgspec.structs.replace(engine.info, context=size + 6)
    narrow = TransformersEngine(engine._model, tokenizer, info, 4)
    found = answers(
        narrow,
        [
            Prompt("a", text, sampling=Sampling(max_tokens=40)),
            Prompt("b", "One", sampling=Sampling(max_tokens=7)),
            Prompt("c", text * 2, sampling=Sampling(max_tokens=1)),
        ],
    )
    assert (found["a"].finish, found["a"].completion_tokens) == ("length", 6)
    assert (found["b"].finish, found["b"].completion_tokens) == ("length", 7)
    assert found["c"].error == (
        f"c: the prompt has {found['c'].prompt_tokens or 2 * size} tokens, "
        f"the context is {size + 6} with the completion"
    )


def test_a_chat_template_is_applied_once(engine: TransformersEngine, tokenizer: Any) -> None:  # noqa: ANN401
    """A chat prompt has as many tokens as the template gives it."""
    messages = (Message("system", "Be brief."), Message("user", "Hello"))
    prompt = Prompt("k", messages=messages, sampling=Sampling(max_tokens=2))
    expected = tokenizer.apply_chat_template(
        [{"role": turn.role, "content": turn.content} for turn in messages],
        add_generation_prompt=True,
        return_dict=True,
    )
    assert answers(engine, [prompt])["k"].prompt_tokens == len(expected["input_ids"])


class Small:
    """A model with memory for few rows: larger batches fail, and so does what holds `poison`."""

    def __init__(self, model: Any, rows: int, poison: int) -> None:  # noqa: ANN401
        self.device, self.config = model.device, model.config
        self.generation_config = model.generation_config
        self.batches: list[int] = []
        self._model, self._rows, self._poison = model, rows, poison

    def generate(self, **given: Any) -> Any:  # noqa: ANN401
        """Generate, if there is room."""
        self.batches.append(len(given["input_ids"]))
        if len(given["input_ids"]) > self._rows or (given["input_ids"] == self._poison).any():
            raise RuntimeError("out of memory\nwith details")
        return self._model.generate(**given)


def test_a_batch_that_fails_is_run_in_parts(engine: TransformersEngine, tokenizer: Any) -> None:  # noqa: ANN401
    """What is too much together is run in halves; only what fails alone has failed."""
    poison = tokenizer(" poison")["input_ids"][0]
    model = Small(engine._model, 2, poison)
    narrow = TransformersEngine(model, tokenizer, engine.info, 8)
    texts = [*("One two",) * 5, "One poison"]
    prompts = [
        Prompt(f"{n}", text, sampling=Sampling(max_tokens=3)) for n, text in enumerate(texts)
    ]
    found = answers(narrow, prompts)
    assert model.batches[0] == 6
    assert found["5"].error == "5: RuntimeError: out of memory"
    assert {found[f"{n}"].text for n in range(5)} == {ask(engine, "One two", max_tokens=3).text}


def one_by_one(model: Any, asked: Sequence[int], answer: Sequence[int]) -> float:  # noqa: ANN401
    """Return an answer's log-likelihood from one plain forward pass for each of its tokens."""
    import torch

    total = 0.0
    for place, token in enumerate(answer):
        with torch.inference_mode():
            logits = model(torch.tensor([[*asked, *answer[:place]]])).logits[0, -1]
        total += float(logits.double().log_softmax(-1)[token])
    return total


def test_scores_are_those_of_a_plain_forward_pass(
    engine: TransformersEngine,
    tokenizer: Any,  # noqa: ANN401
) -> None:
    """Answers of all lengths in one padded batch have the numbers of one token at a time."""
    messages = (Message("user", "Name a colour."),)
    chat = tokenizer.apply_chat_template(
        [{"role": "user", "content": "Name a colour."}],
        add_generation_prompt=True,
        return_dict=True,
    )["input_ids"]
    cases = [
        (Prompt("0", OPENINGS[0], answer=" cat, dog"), tokenizer(OPENINGS[0])["input_ids"]),
        (Prompt("1", "Say. " * 30, answer=" 写 👍🏽"), tokenizer("Say. " * 30)["input_ids"]),
        (Prompt("2", messages=messages, answer="Red, or blue."), chat),
        (Prompt("3", answer="Once upon a time"), [tokenizer.eos_token_id]),
    ]
    found = answers(engine, [prompt for prompt, _ in cases])
    for prompt, asked in cases:
        answer = tokenizer.encode(prompt.answer, add_special_tokens=False)
        expected = one_by_one(engine._model, asked, answer)
        assert found[prompt.key].log_likelihood == pytest.approx(expected, abs=2e-4)
        assert found[prompt.key].prompt_tokens == len(asked)
        assert found[prompt.key].completion_tokens == len(answer)


class Whole:
    """A model that cannot leave out logits, and fails with more than two rows."""

    def __init__(self, model: Any) -> None:  # noqa: ANN401
        self.device, self.config = model.device, model.config
        self.generation_config = model.generation_config
        self._model = model

    def forward(self, input_ids: Any, attention_mask: Any, use_cache: bool) -> Any:  # noqa: ANN401, FBT001
        """Run the model, if there is room."""
        if len(input_ids) > 2:
            raise RuntimeError("out of memory")
        return self._model(input_ids=input_ids, attention_mask=attention_mask, use_cache=use_cache)

    __call__ = forward


def test_a_batch_of_answers_that_fails_is_run_in_parts(
    engine: TransformersEngine,
    tokenizer: Any,  # noqa: ANN401
) -> None:
    """Answers that are too many together are scored in halves, to the same numbers."""
    narrow = TransformersEngine(Whole(engine._model), tokenizer, engine.info, 8)
    prompts = [Prompt(f"{n}", "Once " * n, answer=" upon a time" * (5 - n)) for n in range(5)]
    found, expected = answers(narrow, prompts), answers(engine, prompts)
    for key, completion in found.items():
        assert completion.log_likelihood == pytest.approx(expected[key].log_likelihood, abs=1e-3)
