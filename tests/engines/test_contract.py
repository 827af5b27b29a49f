"""What every engine promises, tested on every engine that runs here.

An engine with a library of its own has a file `setup_NAME.py` with `opened()`, and a marker:
`make test` runs what needs no torch, `make test-torch` and `make test-vllm` the others.
"""

import math
import threading
from collections.abc import Callable, Iterator
from importlib import import_module
from itertools import islice

import msgspec
import pytest

from selfinstruct.engines import (
    Completion,
    Engine,
    Message,
    Prompt,
    Sampling,
    ScriptedEngine,
)

SHORT = Sampling(max_tokens=12, temperature=0.8, seed=7)
FAR = (
    "The capital of France is Paris. "
    + "The lake was calm and the boats lay still. " * 12
    + "The capital of France is"
)
"""A prompt that asks for a word which stands more than a hundred words ago."""


SETUPS: dict[str, list[pytest.MarkDecorator]] = {
    "scripted": [],
    "llamacpp": [pytest.mark.model],
    "openai_llamacpp": [pytest.mark.model],
    "transformers": [pytest.mark.transformers],
    "vllm": [pytest.mark.vllm],
    "openai_vllm": [pytest.mark.vllm],
}


def obliging(prompt: Prompt) -> str:
    """Answer as a model would: choices are obeyed, long prompts refused, the rest is numbered."""
    if prompt.sampling.choices:
        return prompt.sampling.choices[-1]
    if prompt.sampling.schema:
        return '["one", "two"]'
    return " ".join(f"word{number + prompt.sampling.seed}" for number in range(40)) + "\n5. End"


def scripted_reply(prompt: Prompt) -> str | Completion:
    """Answer like `obliging`, with a context of 4,000 words; each letter is half as likely."""
    if len(f"{prompt.text} {prompt.answer}".split()) > 4000:
        return Completion(prompt.key, "", "error", error=f"{prompt.key}: longer than the context")
    if prompt.answer is not None:
        likelihood = math.log(0.5) * len("".join(prompt.answer.split()))
        return Completion(prompt.key, "", "stop", log_likelihood=likelihood)
    return obliging(prompt)


@pytest.fixture(
    scope="session", params=[pytest.param(name, marks=marks) for name, marks in SETUPS.items()]
)
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    """Return each engine in turn, open."""
    if request.param == "scripted":
        yield ScriptedEngine(scripted_reply)
    elif request.param == "llamacpp":
        yield request.getfixturevalue("small_model")
    else:
        with import_module(f"setup_{request.param}").opened() as opened:
            yield opened


def texts(engine: Engine, *prompts: Prompt) -> dict[str, Completion]:
    """Complete prompts and return the completions by key."""
    return {completion.key: completion for completion in engine.complete(prompts)}


def test_each_key_is_answered_exactly_once(engine: Engine) -> None:
    """Every prompt gets one completion with its key, whatever the order."""
    prompts = [Prompt(f"0001/x/{n:04d}", f"{n}. Once", sampling=SHORT) for n in range(21)]
    keys = [completion.key for completion in engine.complete(iter(prompts))]
    assert sorted(keys) == [prompt.key for prompt in prompts]


def test_no_prompts_give_no_completions(engine: Engine) -> None:
    """An empty stage ends at once."""
    assert list(engine.complete([])) == []


def test_a_prompt_may_follow_from_a_completion(engine: Engine) -> None:
    """None among the prompts makes an engine finish one before it asks for the next."""
    answered: list[str] = []

    def chain() -> Iterator[Prompt | None]:
        for number in range(3):
            yield Prompt(f"k{number}", "Hello", sampling=Sampling(max_tokens=2))
            while len(answered) <= number:
                yield None

    for completion in engine.complete(chain()):
        answered.append(completion.key)  # noqa: PERF401 (chain looks at it meanwhile)
    assert answered == ["k0", "k1", "k2"]


def test_prompts_are_taken_lazily(engine: Engine) -> None:
    """A completion comes out before the last of many prompts has gone in."""
    taken = 0

    def many() -> Iterator[Prompt]:
        nonlocal taken
        for number in range(500):
            taken += 1
            yield Prompt(f"k{number}", "Hello", sampling=Sampling(max_tokens=1))

    completions = engine.complete(many())
    assert len(list(islice(completions, 3))) == 3
    close(completions)
    assert taken < 100


def test_the_limit_of_tokens_is_reported(engine: Engine) -> None:
    """A completion that hits max_tokens has finish "length" and not more tokens than that."""
    prompt = Prompt("k", "Count: one, two, three,", sampling=Sampling(max_tokens=5, seed=1))
    found = texts(engine, prompt)["k"]
    assert found.finish == "length"
    assert 0 < found.completion_tokens <= 5
    assert found.prompt_tokens > 0


def test_stop_strings_end_a_completion_and_are_not_in_it(engine: Engine) -> None:
    """The text ends before the first stop string, with finish "stop"."""
    free = Prompt("k", "1. One\n2. Two\n3.", sampling=Sampling(max_tokens=40, seed=3))
    text = texts(engine, free)["k"].text
    mark = text[len(text) // 2 : len(text) // 2 + 3]
    limited = Prompt(
        "k", free.text, sampling=Sampling(max_tokens=40, seed=3, stop=("@never@", mark))
    )
    found = texts(engine, limited)["k"]
    assert found.finish == "stop"
    assert found.text == text[: text.index(mark)]


def test_a_repeat_penalty_remembers_the_whole_prompt(engine: Engine) -> None:
    """A word that stood a hundred words ago is as unlikely as one that stood just now."""
    if isinstance(engine, ScriptedEngine):
        pytest.skip("a script has no tokens to make unlikely")
    free, penalised = (
        Prompt(f"k{penalty}", FAR, sampling=Sampling(max_tokens=3, repeat_penalty=penalty))
        for penalty in (1.0, 10.0)
    )
    found = texts(engine, free, penalised)
    assert "Paris" in found[free.key].text
    assert "Paris" not in found[penalised.key].text


def test_a_presence_penalty_forgets_the_beginning_of_a_prompt(engine: Engine) -> None:
    """A word that stands a hundred words ago in the prompt alone may be written."""
    if isinstance(engine, ScriptedEngine):
        pytest.skip("a script has no tokens to make unlikely")
    sampling = Sampling(max_tokens=3, presence_penalty=2.0)
    assert "Paris" in texts(engine, Prompt("k", FAR, sampling=sampling))["k"].text


def test_choices_are_the_only_answers(engine: Engine) -> None:
    """A prompt with choices is answered by one of them."""
    sampling = Sampling(max_tokens=4, choices=(" Yes", " No"))
    found = texts(engine, Prompt("k", "Is the sky green? Answer:", sampling=sampling))["k"]
    assert found.text in (" Yes", " No")
    assert found.finish == "stop"


def test_a_seed_gives_the_same_text_again(engine: Engine) -> None:
    """A prompt asked again alone, with the same seed, gets the same text; another seed another."""
    sampling = Sampling(max_tokens=24, temperature=1.0, seed=11)
    prompt = Prompt("k", "A list of odd animals:", sampling=sampling)
    texts(engine, prompt)  # the first fills the prefix cache
    first, second = texts(engine, prompt)["k"].text, texts(engine, prompt)["k"].text
    assert first == second
    others = [
        Prompt(f"k{n}", prompt.text, sampling=Sampling(max_tokens=24, temperature=1.0, seed=n))
        for n in (12, 13, 14)
    ]
    assert first not in {completion.text for completion in texts(engine, *others).values()}


def test_an_overlong_prompt_is_an_error_completion(engine: Engine) -> None:
    """A prompt longer than the context fails by itself, by name; its neighbours are answered."""
    long = Prompt("0001/x/0000", "word " * 5000, sampling=SHORT)
    short = Prompt("0001/x/0001", "Hello", sampling=SHORT)
    found = texts(engine, long, short)
    assert found[long.key].finish == "error"
    assert long.key in found[long.key].error
    assert found[long.key].text == ""
    assert found[short.key].finish in ("stop", "length")


def test_messages_are_answered(engine: Engine) -> None:
    """A chat prompt goes through the model's chat template and gets a text."""
    messages = (Message("system", "Be brief."), Message("user", "Name three colours."))
    found = texts(engine, Prompt("k", messages=messages, sampling=Sampling(max_tokens=30)))["k"]
    assert found.text.strip()
    assert "<|im_" not in found.text


@pytest.mark.parametrize("text", ["写一首诗 👍🏽 é", "a\x00b\x07c", "{}{{ }}\\n\"'", " \n "])
def test_any_text_is_a_prompt(engine: Engine, text: str) -> None:
    """Chinese, emoji, control characters and braces go in; storable text comes out."""
    found = texts(engine, Prompt("k", text, sampling=SHORT))["k"]
    assert found.finish in ("stop", "length")
    found.text.encode("utf-8")


def test_closing_early_leaves_no_thread_behind(engine: Engine) -> None:
    """Abandoning a stage ends its workers, and the engine can be used again."""
    before = threading.active_count()
    prompts = [Prompt(f"k{n}", "Tell me", sampling=Sampling(max_tokens=200)) for n in range(30)]
    completions = engine.complete(prompts)
    next(completions)
    close(completions)
    assert threading.active_count() <= before
    assert texts(engine, Prompt("again", "Hello", sampling=SHORT))["again"].finish != "error"


def test_a_schema_shapes_the_answer(engine: Engine) -> None:
    """A prompt with a JSON Schema is answered by JSON of that schema, where the engine can."""
    if not engine.info.constrains:
        pytest.skip("this engine does not constrain its answers to a schema")
    schema = '{"type":"array","items":{"enum":["one","two"]},"minItems":2,"maxItems":2}'
    text = 'A list as JSON: ["two", "one"]\nAnother list as JSON:'
    prompt = Prompt("k", text, sampling=Sampling(max_tokens=40, schema=schema))
    words = msgspec.json.decode(texts(engine, prompt)["k"].text, type=list[str])
    assert len(words) == 2
    assert set(words) <= {"one", "two"}


@pytest.fixture
def scorer(engine: Engine) -> Engine:
    """Return each engine that scores in turn; one that does not says so of every prompt."""
    if not engine.info.scores:
        found = texts(engine, Prompt("0001/x/0000", "Once", answer=" upon"))["0001/x/0000"]
        assert (found.finish, found.log_likelihood) == ("error", None)
        assert "0001/x/0000: this engine gives no log-likelihood" in found.error
        pytest.skip("this engine does not score")
    return engine


def rated(engine: Engine, *prompts: Prompt) -> list[float]:
    """Return the log-likelihoods of answers, in the order of their prompts."""
    found = texts(engine, *prompts)
    numbers = [found[prompt.key].log_likelihood for prompt in prompts]
    return [number for number in numbers if number is not None]


CAPITAL = "The capital of France is"
QUESTION = (Message("system", "Be brief."), Message("user", "What is the capital of France?"))


def test_an_answer_gets_a_number_and_no_text(scorer: Engine) -> None:
    """Of an answer comes back its log-likelihood, below 0, and how many tokens it has."""
    for prompt in (
        Prompt("k", CAPITAL, answer=" Paris."),
        Prompt("k", messages=QUESTION, answer="Paris is the capital of France."),
        Prompt("k", answer="Paris is the capital of France."),
    ):
        found = texts(scorer, prompt)["k"]
        assert (found.finish, found.text, found.error) == ("stop", "", "")
        assert found.log_likelihood is not None
        assert -200 < found.log_likelihood < 0
        assert 2 <= found.completion_tokens + 1 <= len(prompt.answer or "")


def test_a_likelier_answer_scores_higher(scorer: Engine) -> None:
    """What follows scores above what does not, after a text and after a question."""
    good, bad = rated(
        scorer, Prompt("a", CAPITAL, answer=" Paris"), Prompt("b", CAPITAL, answer=" marzipan")
    )
    assert good > bad + 2
    good, bad = rated(
        scorer,
        Prompt("a", messages=QUESTION, answer="The capital of France is Paris."),
        Prompt("b", messages=QUESTION, answer="Paris France is of capital The marzipan."),
    )
    assert good > bad + 2


def test_a_score_does_not_depend_on_its_company(scorer: Engine) -> None:
    """An answer has the same number alone and among others, whether scored or written."""
    answers = (" a river", " 写 é", " the " * 9, " Paris, of course.")
    prompts = [Prompt(f"s{n}", CAPITAL * (n + 1), answer=text) for n, text in enumerate(answers)]
    written = [Prompt(f"w{n}", "1. Once", sampling=SHORT) for n in range(4)]
    alone = [rated(scorer, prompt)[0] for prompt in prompts]
    together = rated(scorer, *prompts)
    found = texts(scorer, *[p for pair in zip(written, prompts, strict=True) for p in pair][::-1])
    for place, prompt in enumerate(prompts):
        near = 0.01 * found[prompt.key].completion_tokens
        assert together[place] == pytest.approx(alone[place], abs=near)
        assert found[prompt.key].log_likelihood == pytest.approx(alone[place], abs=near)
    assert all(found[prompt.key].text for prompt in written)


def test_scores_add_up(scorer: Engine) -> None:
    """An answer in two parts is as likely as the first, times the second after it."""
    first, second = " Paris, and that", " of Italy is Rome."
    whole, one, two, nothing = rated(
        scorer,
        Prompt("whole", CAPITAL, answer=first + second),
        Prompt("one", CAPITAL, answer=first),
        Prompt("two", CAPITAL + first, answer=second),
        Prompt("nothing", CAPITAL, answer=""),
    )
    assert whole == pytest.approx(one + two, abs=0.1)
    assert nothing == 0


def test_scoring_can_be_abandoned(scorer: Engine) -> None:
    """Closing early ends what is being scored, and the engine can be used again."""
    before = threading.active_count()
    prompts = [Prompt(f"k{n}", f"{n}.", answer=" and so on" * 4 * (n + 1)) for n in range(20)]
    completions = scorer.complete(prompts)
    assert next(completions).finish == "stop"
    close(completions)
    assert threading.active_count() <= before
    assert rated(scorer, Prompt("again", "Hello", answer=" there"))[0] < 0


def test_an_overlong_answer_is_an_error_completion(scorer: Engine) -> None:
    """Prompt and answer have to fit in the context together; one that does not fails by name."""
    long = Prompt("0001/x/0000", "word " * 1500, answer=" word" * 2600)
    short = Prompt("0001/x/0001", "Hello", answer=" there")
    found = texts(scorer, long, short)
    assert (found[long.key].finish, found[long.key].log_likelihood) == ("error", None)
    assert long.key in found[long.key].error
    assert found[short.key].log_likelihood is not None


def test_info_names_the_model(engine: Engine) -> None:
    """Rows can say which model wrote them and, where its files are known, under which licence."""
    assert engine.info.model
    assert engine.info.licence or not engine.info.revision


def close(completions: Iterator[Completion]) -> None:
    """Close a generator of completions."""
    stop: Callable[[], None] | None = getattr(completions, "close", None)
    assert stop is not None
    stop()
