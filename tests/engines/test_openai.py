"""The engine openai: its spec, what it asks of a server when opened, and each server's dialect."""

import os
import sys

import pytest
from faulty_server import MODEL, SECRET, FaultyServer, serving, written

from selfinstruct.engines import Given, Message, Prompt, Sampling, open_engine
from selfinstruct.engines.openai import OpenAIEngine, open_model
from selfinstruct.engines.openai.remote import DEFAULT_URL, split_spec
from selfinstruct.errors import EngineError, InputError


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep what the environment says of real servers out of the tests."""
    for name in [name for name in os.environ if name.startswith("OPENAI_")]:
        monkeypatch.delenv(name)


def opened(server: FaultyServer, *arguments: str) -> OpenAIEngine:
    """Open the engine on a server, without long waits."""
    return open_model(server.spec, Given(("backoff=0.005", *arguments)))


# --- The spec ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spec", "name", "url"),
    [
        ("m@http://h:1/v1", "m", "http://h:1/v1"),
        ("org/m:v1@x@https://h/v1/", "org/m:v1@x", "https://h/v1"),
        ("m@http://[::1]:8000/v1", "m", "http://[::1]:8000/v1"),
        ("m@HTTP://h/v1", "m", "HTTP://h/v1"),
        ("a@http://b@http://httpserver/v1", "a@http://b", "http://httpserver/v1"),
        ("gpt-x", "gpt-x", DEFAULT_URL),
        ("m@sha", "m@sha", DEFAULT_URL),
    ],
)
def test_a_spec_is_split_at_its_last_url(spec: str, name: str, url: str) -> None:
    """A model's name may hold slashes, colons and at signs; without a URL it is OpenAI's."""
    assert split_spec(spec) == (name, url)


def test_the_url_may_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """OPENAI_BASE_URL serves where a spec names no server, and is held to the same rules."""
    monkeypatch.setenv("OPENAI_BASE_URL", "http://h:1/v1")
    assert split_spec("m") == ("m", "http://h:1/v1")
    assert split_spec("m@http://other/v1") == ("m", "http://other/v1")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://me:pass@h:1/v1")
    with pytest.raises(InputError, match="holds a user name or a password"):
        split_spec("m")


@pytest.mark.parametrize(
    "spec",
    [
        "m@http://",
        "m@http:///v1",
        "m@http://h:port/v1",
        "m@http://h:99999/v1",
        "m@http://h /v1",
        "m@http://h/v1?key=geheimnis",
        "m@http://h/v1#geheimnis",
        "m@http://me:geheimnis@h/v1",
        "m@http://geheimnis@h/v1",
        "m@http://me:geheimnis@:99999/v1",
        "m@ftp://h/v1",
        "m@localhost:8000/v1",
        "m@127.0.0.1:8000",
        "@http://h/v1",
    ],
)
def test_what_is_no_url_of_a_server_is_refused(spec: str) -> None:
    """A bad URL is refused before anything is sent, and a password in it is not repeated."""
    with pytest.raises(InputError) as error:
        open_engine(f"openai:{spec}")
    assert error.value.hint
    if "key" not in spec and "#" not in spec:
        assert "geheimnis" not in str(error.value) + error.value.hint


def test_unknown_arguments_suggest_the_closest() -> None:
    """A misspelt argument is refused before the server is asked."""
    with pytest.raises(InputError, match="did you mean 'concurrency'"):
        open_model("m@http://127.0.0.1:9/v1", Given(("concurency=4",)))
    with pytest.raises(InputError, match="endpoint=caht does not fit"):
        open_model("m@http://127.0.0.1:9/v1", Given(("endpoint=caht",)))


# --- Opening ----------------------------------------------------------------------------------


def test_a_missing_package_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the openai package, the error names the extra."""
    monkeypatch.setitem(sys.modules, "openai", None)
    with pytest.raises(EngineError, match="needs the package openai") as error:
        open_model("m@http://127.0.0.1:9/v1", Given())
    assert "selfinstruct[openai]" in error.value.hint


def test_a_server_that_is_not_there_says_how_to_start_one() -> None:
    """Nobody behind a URL is an error at once, with its address and what serves one."""
    server = FaultyServer()
    server.die()
    with pytest.raises(EngineError) as error:
        opened(server)
    assert server.url in str(error.value)
    assert f"vllm serve {MODEL}" in error.value.hint


@pytest.mark.parametrize(
    ("kind", "says", "hint"),
    [
        ("401", "asks for a key: HTTP 401", "OPENAI_API_KEY"),
        ("403", "asks for a key: HTTP 403", "OPENAI_API_KEY"),
        ("500", "is not ready: HTTP 500", "the same command again"),
        ("html", "does not speak OpenAI's API", "/v1"),
    ],
)
def test_a_server_that_refuses_is_reported(kind: str, says: str, hint: str) -> None:
    """Opening says whether the key, the address or the server's state is wrong."""
    with serving(kind=kind) as server, pytest.raises(EngineError) as error:
        opened(server, "retries=1")
    assert says in str(error.value)
    assert hint in error.value.hint


@pytest.mark.parametrize("kind", ["503", "404", "other"])
def test_a_server_that_loads_or_has_no_list_can_be_used(kind: str) -> None:
    """A server that is still loading is waited for; one without a list of models is believed."""
    with serving(kind=kind) as server, opened(server) as engine:
        found = list(engine.complete([Prompt("k", "a")]))
        assert [completion.text for completion in found] == [written("a")]


def test_a_model_that_is_not_served_is_refused_with_the_closest() -> None:
    """The error names what the server has; a llama.cpp server has one model, whatever its name."""
    with serving() as server:
        with pytest.raises(InputError, match=rf"did you mean '{MODEL}'\?") as error:
            open_model(f"tiny/modle@{server.url}", Given())
        assert MODEL in error.value.hint
        server.kind = "llamacpp"
        with open_model(f"whatever@{server.url}", Given()) as engine:
            assert engine.info.model == "whatever"


@pytest.mark.parametrize(
    ("kind", "arguments", "context", "constrains", "chat"),
    [
        ("openai", (), 0, False, True),
        ("openai", ("server=vllm", "context=99"), 99, True, True),
        ("vllm", ("endpoint=completions",), 4096, True, False),
        ("llamacpp", (), 512, True, True),
        ("ollama", (), 0, False, True),
    ],
)
def test_info_says_what_the_server_can(
    kind: str,
    arguments: tuple[str, ...],
    context: int,
    constrains: bool,  # noqa: FBT001 (parametrised)
    chat: bool,  # noqa: FBT001
) -> None:
    """The dialect, and with it the context and what can be constrained, follow from the list."""
    with serving(kind=kind) as server, opened(server, *arguments) as engine:
        info = engine.info
        assert (info.model, info.revision, info.licence) == (MODEL, "", "")
        assert (info.context, info.constrains, info.chat) == (context, constrains, chat)
        assert info.arguments == ("backoff=0.005", *arguments)
        given = arguments[0].partition("=")[2] if "server=vllm" in arguments else kind
        assert engine.dialect == given


def test_no_key_is_sent_where_none_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server without keys gets a word in its place; a set one is sent, as one line."""
    with serving() as server:
        opened(server).__exit__()
        monkeypatch.setenv("OPENAI_API_KEY", f" {SECRET}\n")
        opened(server).__exit__()
        assert server.keys == ["Bearer none", f"Bearer {SECRET}"]
        monkeypatch.setenv("OPENAI_API_KEY", "sk-geheim\nnis")
        with pytest.raises(InputError, match="characters that no key has") as error:
            opened(server)
        assert "geheim" not in str(error.value) + error.value.hint


# --- Requests and replies ---------------------------------------------------------------------


def test_a_text_is_cut_at_the_stops_that_were_not_sent() -> None:
    """A fifth stop string ends a completion as well, with finish "stop"."""
    sampling = Sampling(stop=("1", "2", "3", "4", "写"))
    with serving() as server, opened(server) as engine:
        found = next(engine.complete([Prompt("k", "abc", sampling=sampling)]))
    assert (found.text, found.finish) == (" and cba ", "stop")


@pytest.mark.parametrize(
    ("kind", "endpoint", "path"),
    [
        ("openai", "chat", "messages"),
        ("openai", "both", "prompt"),
        ("ollama", "auto", "messages"),
        ("vllm", "auto", "prompt"),
    ],
)
def test_a_text_goes_where_the_server_can_continue_it(kind: str, endpoint: str, path: str) -> None:
    """A server that has only chat is asked, in one message, to continue the text."""
    with serving(kind=kind) as server, opened(server, f"endpoint={endpoint}") as engine:
        list(engine.complete([Prompt("k", "Once")]))
        (sent,) = server.bodies
        assert path in sent
        if path == "messages":
            (message,) = sent["messages"]
            assert message["content"].startswith("Continue the following text exactly")
            assert message["content"].endswith("\n\nOnce")


def test_messages_need_a_chat_template() -> None:
    """With endpoint=completions a chat prompt is an error by name, and costs no request."""
    with serving() as server, opened(server, "endpoint=completions") as engine:
        (found,) = engine.complete([Prompt("0001/x/0000", messages=(Message("user", "hi"),))])
        assert (found.finish, found.attempts, server.requests) == ("error", 0, 0)
        assert found.error.startswith("0001/x/0000: ")


def test_text_and_costs_come_back_as_sent() -> None:
    """Chinese, emoji, quotes and control characters survive both ways; usage is counted."""
    text = "写一首诗 👍🏽 é {}\\n\"'\x07\u2028"
    with serving() as server, opened(server) as engine:
        (found,) = engine.complete([Prompt("k", text)])
        assert server.bodies[0]["prompt"] == text
    assert found.text == written(text)
    assert (found.prompt_tokens, found.completion_tokens, found.cached_tokens) == (5, 7, 2)


def test_lone_surrogates_and_missing_usage_are_no_fault() -> None:
    """Half a character becomes U+FFFD, and a reply that counts no tokens counts none."""
    with serving(write=lambda _: "half \ud83d") as server, opened(server) as engine:
        (found,) = engine.complete([Prompt("k", "a")])
    assert (found.text, found.finish) == ("half \ufffd", "stop")
