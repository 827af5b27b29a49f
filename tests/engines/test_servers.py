"""The same prompt as a request to each kind of server."""

from typing import Any

import msgspec

from selfinstruct.engines import Message, Prompt, Sampling
from selfinstruct.engines.llamacpp_fields import REPEAT_WINDOW
from selfinstruct.engines.openai import servers
from selfinstruct.engines.openai.replies import shown

SAMPLING = Sampling(
    max_tokens=9,
    temperature=0.5,
    top_p=0.9,
    repeat_penalty=1.1,
    stop=("a", "b", "c", "d", "e"),
    seed=3,
)
TEXT = Prompt("k", "Once {upon}", sampling=SAMPLING)
TURNS = Prompt("k", messages=(Message("system", "s"), Message("user", "u")), sampling=SAMPLING)


def body(prompt: Prompt, dialect: servers.Dialect, *, chat: bool = False, **more: Any) -> Any:  # noqa: ANN401
    """Return the request for a prompt with more sampling set."""
    sampling = msgspec.structs.replace(prompt.sampling, **more)
    prompt = msgspec.structs.replace(prompt, sampling=sampling)
    return servers.request(prompt, "m", dialect, chat=chat)


def test_no_server_is_asked_to_think_where_it_can_be_told() -> None:
    """The variable of hybrid models goes to vLLM and llama.cpp, which hand it to the template."""
    told_of: dict[servers.Dialect, bool] = {"vllm": True, "llamacpp": True, "ollama": False}
    for dialect, told in told_of.items():
        chat = body(TURNS, dialect, chat=True)
        assert chat.get("chat_template_kwargs", {}) == ({"enable_thinking": False} if told else {})
        assert "chat_template_kwargs" not in body(TEXT, dialect)


def test_a_top_p_of_zero_is_asked_for_as_temperature_zero() -> None:
    """The published recipe has it; vLLM refuses it, and both mean the likeliest token."""
    asked = body(TEXT, "vllm", temperature=0.7, top_p=0.0)
    assert (asked["temperature"], asked["top_p"]) == (0.0, 1.0)


def test_a_secret_goes_before_a_line_is_cut() -> None:
    """Of a secret at the place where what a server said is cut, no part is left."""
    key = "sk-abcdefghijklmnop"
    assert "sk-" not in shown("x" * 290 + f" {key} " + "y" * 100, secret=key)


def test_every_dialect_has_the_standard_fields() -> None:
    """Text, limits, stops and the seed go to every server under the same names."""
    for dialect in ("vllm", "llamacpp", "ollama"):
        sent = body(TEXT, dialect)
        assert sent["prompt"] == "Once {upon}"
        assert sent["stop"] == ["a", "b", "c", "d", "e"]
        assert (sent["max_tokens"], sent["seed"], sent["presence_penalty"]) == (9, 3, 0.0)
        turns = [{"role": "system", "content": "s"}, {"role": "user", "content": "u"}]
        assert body(TURNS, dialect, chat=True)["messages"] == turns


def test_each_server_gets_its_own_fields() -> None:
    """What only one server takes is sent to that one alone."""
    vllm, llamacpp = body(TEXT, "vllm", choices=("A", "B")), body(TEXT, "llamacpp", choices=('"',))
    assert (vllm["repetition_penalty"], vllm["top_k"], vllm["min_p"]) == (1.1, 0, 0.0)
    assert vllm["structured_outputs"] == {"choice": ["A", "B"]}
    assert (llamacpp["repeat_penalty"], llamacpp["top_k"], llamacpp["min_p"]) == (1.1, 0, 0.0)
    assert llamacpp["repeat_last_n"] == REPEAT_WINDOW
    assert "repeat_last_n" not in body(TEXT, "llamacpp", repeat_penalty=1.0)
    assert llamacpp["grammar"] == r'root ::= "\""'
    assert llamacpp["cache_prompt"] is True
    schema = '{"type":"object"}'
    assert body(TEXT, "vllm", schema=schema)["structured_outputs"] == {"json": {"type": "object"}}
    assert body(TEXT, "llamacpp", schema=schema)["json_schema"] == {"type": "object"}
    form = {"type": "json_schema", "json_schema": {"name": "answer", "schema": {"type": "object"}}}
    assert body(TURNS, "ollama", chat=True, schema=schema)["response_format"] == form
    assert body(TURNS, "openai", chat=True, schema=schema)["response_format"] == form
    assert "response_format" not in body(TEXT, "ollama", schema=schema)
    assert "response_format" not in body(TURNS, "openai", chat=True, schema='{"type":"array"}')


def test_openai_gets_nothing_that_its_models_refuse() -> None:
    """Only set fields are sent, at most four stops, and in a chat the newer name of the limit."""
    assert body(TEXT, "openai", top_p=1.0, choices=("x",)) == {
        "model": "m",
        "prompt": "Once {upon}",
        "max_tokens": 9,
        "temperature": 0.5,
        "seed": 3,
        "stop": ["a", "b", "c", "d"],
    }
    chat = body(TURNS, "openai", chat=True)
    assert (chat["max_completion_tokens"], chat["top_p"]) == (9, 0.9)
    assert "max_tokens" not in chat
