"""What the engine openai makes of a server that fails: every slot arrives, none is paid twice."""

import threading
import time
import traceback
from collections.abc import Callable

import pytest
from faulty_server import SECRET, FaultyServer, Plan, first, serving, written
from hypothesis import given, settings
from hypothesis import strategies as st

from selfinstruct.engines import Completion, Given, Message, Prompt
from selfinstruct.engines.openai import OpenAIEngine, open_model
from selfinstruct.errors import EngineError

TRANSIENT = (
    "drop",
    "truncate",
    *("408", "409", "429", "500", "502", "503"),
    *("invalid", "html", "list", "empty", "none", "textless"),
    *("finish:abort", "after:0.01", "after-ms:0.01", "date:0"),
)


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the client a key that must not be seen again."""
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)


def opened(server: FaultyServer, *arguments: str) -> OpenAIEngine:
    """Open the engine on a server, without long waits."""
    quick = () if any("backoff" in word for word in arguments) else ("backoff=0.005",)
    return open_model(server.spec, Given((*quick, *arguments)))


def numbered(count: int) -> list[Prompt]:
    """Return prompts that differ."""
    return [Prompt(f"0001/x/{number:04d}", f"prompt {number}") for number in range(count)]


def answered(server: FaultyServer, prompts: list[Prompt], *arguments: str) -> dict[str, Completion]:
    """Complete prompts; check that each is answered once, and that all requests are counted."""
    with opened(server, *arguments) as engine:
        found = list(engine.complete(iter(prompts)))
    assert sorted(one.key for one in found) == sorted(prompt.key for prompt in prompts)
    assert sum(one.attempts for one in found) == server.requests
    return {one.key: one for one in found}


# --- Faults that pass -------------------------------------------------------------------------


@pytest.mark.parametrize("fault", TRANSIENT)
@pytest.mark.parametrize("endpoint", ["chat", "completions"])
def test_a_fault_that_passes_costs_one_request_more(fault: str, endpoint: str) -> None:
    """Each slot arrives once, with its text, after as many requests as there were faults."""
    prompts = numbered(4)
    if endpoint == "chat":
        prompts = [Prompt(p.key, messages=(Message("user", p.text),)) for p in prompts]
    with serving(first(fault, fault)) as server:
        found = answered(server, prompts)
        assert server.requests == 4 * 3
    for number, one in enumerate(sorted(found.values(), key=lambda one: one.key)):
        assert (one.text, one.finish, one.attempts) == (written(f"prompt {number}"), "stop", 3)


@given(st.lists(st.lists(st.sampled_from(TRANSIENT), max_size=5), min_size=1, max_size=8))
@settings(max_examples=25, deadline=None)
def test_any_mixture_of_faults_loses_no_slot(faults: list[list[str]]) -> None:
    """Every key comes exactly once: a text where retries suffice, else an error of its own.

    A prompt that fails while nobody is answered costs one request more, which asks whether the
    server is there at all.
    """
    mixed: Plan = lambda prompt, time: first(*of.get(prompt, ()))(prompt, time)  # noqa: E731
    of = {f"prompt {number}": some for number, some in enumerate(faults)}
    with serving(mixed) as server:
        found = answered(server, numbered(len(faults)), "retries=3")
        assert server.requests <= len(faults) * (3 + 2)
    for number, some in enumerate(faults):
        one = found[f"0001/x/{number:04d}"]
        if len(some) <= 3:
            assert (one.text, one.attempts) == (written(f"prompt {number}"), len(some) + 1)
        else:
            assert one.finish == "error"
            assert one.error.startswith(f"{one.key}: no completion after ")


def test_a_server_that_restarts_is_not_noticed() -> None:
    """Connections that broke meanwhile are made again, and the stage goes on."""
    server = FaultyServer()
    port = server.server_address[1]
    try:
        with opened(server, "concurrency=2", "backoff=0.05") as engine:
            completions = engine.complete(numbered(12))
            found = [next(completions) for _ in range(4)]
            server.die()
            server = FaultyServer(port=port)
            found += completions
        assert sorted(one.text for one in found) == sorted(written(p.text) for p in numbered(12))
    finally:
        server.die()


@pytest.mark.parametrize("fault", ["after:0.3", "after-ms:0.3"])
def test_a_wait_that_is_asked_for_is_kept(fault: str) -> None:
    """The next request comes no sooner than Retry-After says."""
    with serving(first(fault)) as server, opened(server, "backoff=0") as engine:
        began = time.monotonic()
        (found,) = engine.complete(numbered(1))
        assert time.monotonic() - began >= 0.3
    assert found.attempts == 2


def test_a_request_over_the_time_limit_is_made_again_then_reported() -> None:
    """A hanging request is given up after `timeout`; a prompt that always hangs is an error."""
    faults = {"prompt 0": ["delay:9"] * 9, "prompt 1": ["delay:9"]}
    with serving(lambda prompt, time: first(*faults.get(prompt, ()))(prompt, time)) as server:
        found = answered(server, numbered(2), "timeout=0.2", "retries=2", "concurrency=1")
    assert found["0001/x/0001"].attempts == 2
    assert "no reply within 0.2 s" in found["0001/x/0000"].error


# --- Faults of one prompt ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ("400:this is longer than the context of 2048", "HTTP 400: this is longer than the"),
        ("413:too large", "HTTP 413: too large"),
        ("422:no such field", "HTTP 422: no such field"),
        ("null", "wrote no text (finish_reason 'stop')"),
        ("finish:content_filter", "did not end its text (finish_reason 'content_filter')"),
        ("finish:tool_calls", "finish_reason 'tool_calls'"),
    ],
)
def test_what_no_request_could_change_is_not_asked_again(fault: str, says: str) -> None:
    """A refused prompt is an error by name, after one request; its neighbours are answered."""
    poisoned: Plan = lambda prompt, _: fault if prompt == "prompt 1" else ""  # noqa: E731
    with serving(poisoned) as server:
        found = answered(server, numbered(3))
        assert server.requests == 3
    one = found["0001/x/0001"]
    assert (one.finish, one.text, one.attempts) == ("error", "", 1)
    assert one.error.startswith("0001/x/0001: ")
    assert says in one.error
    assert found["0001/x/0002"].text == written("prompt 2")


def test_a_prompt_that_fails_alone_stops_no_run() -> None:
    """Where nothing else is under way, one small request tells a bad prompt from a dead server."""
    poisoned: Plan = lambda prompt, _: "500" if prompt == "prompt 0" else ""  # noqa: E731
    with serving(poisoned) as server:
        (one,) = answered(server, numbered(1), "retries=2").values()
        assert (one.finish, one.attempts, server.requests) == ("error", 4, 4)
        assert server.bodies[-1]["max_tokens"] == 1


# --- Faults of the server ---------------------------------------------------------------------


def until_it_gives_up(
    engine: OpenAIEngine, prompts: list[Prompt], number: int, then: Callable[[], None]
) -> tuple[list[Completion], EngineError]:
    """Take completions until the engine gives up; after a number of them, do something."""
    found: list[Completion] = []
    try:
        for completion in engine.complete(prompts):
            found.append(completion)
            if len(found) == number:
                then()
    except EngineError as error:
        return found, error
    raise AssertionError("the engine did not give up")


def test_a_server_that_goes_away_ends_the_stage_and_keeps_what_came() -> None:
    """A killed server is an error with a hint; no prompt is blamed for it."""
    with serving() as server, opened(server, "concurrency=4", "retries=2") as engine:
        found, error = until_it_gives_up(engine, numbered(40), 6, server.die)
    assert 6 <= len(found) <= 10
    assert {one.error for one in found} == {""}
    assert f"the server at {server.url} does not answer: " in str(error)
    assert "give the same command again" in error.hint


@pytest.mark.parametrize("retries", [0, 1, 2])
@pytest.mark.parametrize("fault", ["500", "429", "drop", "invalid", "empty"])
def test_a_server_that_only_fails_is_left_alone_soon(fault: str, retries: int) -> None:
    """From then on each prompt under way costs its requests, one asks for all, none is blamed."""
    limit = 1000

    def fail() -> None:
        nonlocal limit
        limit = server.requests

    with (
        serving(lambda *_: "delay:0.01" if server.requests <= limit else fault) as server,
        opened(server, "concurrency=4", f"retries={retries}") as engine,
    ):
        found, error = until_it_gives_up(engine, numbered(100), 10, fail)
        assert server.requests - limit <= 4 * (retries + 1) + 4
    assert {one.error for one in found} == {""}
    assert 10 <= len(found) <= limit
    assert "does not answer" in str(error)


@pytest.mark.parametrize(
    ("fault", "says", "hint"),
    [
        ("401", "does not accept the key", "OPENAI_API_KEY"),
        ("403", "does not accept the key", "OPENAI_API_KEY"),
        ("404:The model `x` does not exist.", "refuses /completions: HTTP 404", "model's name"),
        ("404:Not Found", "refuses /completions: HTTP 404", "--engine-arg endpoint=chat"),
        ("404:not supported in the v1/completions endpoint", "/completions", "endpoint=chat"),
        ("405:Method Not Allowed", "refuses /completions: HTTP 405", "endpoint=chat"),
        ("400:the tokenizer has no chat template", "refuses", "endpoint=completions"),
    ],
)
def test_what_every_request_would_meet_ends_the_stage(fault: str, says: str, hint: str) -> None:
    """A wrong key, model or endpoint is the set-up's fault: nothing is journalled as an answer."""
    with serving(first(*[fault] * 9)) as server, opened(server) as engine:
        with pytest.raises(EngineError) as error:
            next(engine.complete(numbered(5)))
        assert server.requests <= 5
    assert says in str(error.value)
    assert hint in error.value.hint


# --- The key ----------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["400", "401", "500", "drop"])
def test_the_key_is_in_no_error(fault: str) -> None:
    """A server that repeats the key in its errors does not get it written down."""
    with serving(first(*[fault] * 9)) as server, opened(server, "retries=1") as engine:
        said = repr((engine, engine.info, vars(engine)))
        try:
            said += repr(list(engine.complete([*numbered(1), Prompt("k", "x")])))
        except EngineError as error:
            said += "".join(traceback.format_exception(error)) + error.hint
    assert SECRET not in said
    assert fault == "drop" or "Bearer [key]" in said


# --- How much at a time -----------------------------------------------------------------------


def test_requests_at_a_time_are_bounded() -> None:
    """There are never more than `concurrency`, and they do run beside one another."""
    with serving(first("delay:0.02", "delay:0.02")) as server:
        answered(server, numbered(40), "concurrency=5")
        assert server.most_at_once == 5


def test_closing_early_ends_the_requests_under_way() -> None:
    """An abandoned stage makes no request more, and the engine can be used again."""
    slow: Plan = lambda prompt, _: "delay:20" if prompt not in ("prompt 0", "x") else ""  # noqa: E731
    with serving(slow) as server, opened(server, "concurrency=4") as engine:
        completions = engine.complete(numbered(50))
        assert next(completions).key == "0001/x/0000"
        began = time.monotonic()
        closing = getattr(completions, "close", None)
        assert closing is not None
        closing()
        assert time.monotonic() - began < 10  # the server: 20
        assert server.requests <= 4
        assert [one.text for one in engine.complete([Prompt("k", "x")])] == [written("x")]


def test_leaving_the_engine_leaves_no_thread() -> None:
    """A closed engine has ended its loop."""
    with serving() as server:
        before = set(threading.enumerate())
        with opened(server) as engine:
            ours = {thread for thread in threading.enumerate() if thread.name == "openai"} - before
            assert len(ours) == 1
            list(engine.complete(numbered(3)))
        assert not ours & set(threading.enumerate())
