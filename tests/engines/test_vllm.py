"""vLLM beyond the contract: its arguments, adapters, repeatability, and how it ends."""

import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Collection, Iterator
from importlib import import_module
from pathlib import Path

import pytest
from command import environment, run, words
from setup_vllm import ARGUMENTS, opened
from small_folder import small_folder

from selfinstruct.engines import Engine, Given, Message, Prompt, Sampling, open_engine
from selfinstruct.engines.vllm.processes import last_fault, plain
from selfinstruct.errors import InputError

pytestmark = [pytest.mark.vllm, pytest.mark.timeout(400)]  # a start takes a minute on busy cores

LAYERS, WIDTH, VALUES, RANK = 30, 576, 192, 8
"""Of SmolLM2-135M: layers, the width of a state and of its values; and of our adapter."""

HEAD = "Here are some tasks, each with a verb of its own and on another topic than the others. " * 4


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    """Open vLLM once."""
    with opened() as found:
        yield found


def answers(engine: Engine, prompts: list[Prompt]) -> dict[str, str]:
    """Complete prompts and return the texts by key."""
    return {completion.key: completion.text for completion in engine.complete(prompts)}


def some_prompts() -> list[Prompt]:
    """Return prompts with a seed each, at a temperature where seeds matter."""
    return [
        Prompt(f"k{n}", f"Animal {n}:", sampling=Sampling(max_tokens=24, temperature=1.0, seed=n))
        for n in range(8)
    ]


@pytest.mark.parametrize(
    ("argument", "said"),
    [
        ("max_model_length=512", "did you mean 'max_model_len'"),
        ("max_num_seqs=many", "max_num_seqs=many does not fit"),
        ("dtype=float31", "float16"),
        ("enforce_eager=perhaps", "true or false"),
        ("compilation_config={oops", "Invalid JSON"),
        ("lora=/nowhere", "adapter_config.json"),
        ("model=other", "cannot be given"),
        ("trust-remote-code=true", "cannot be given"),
        ("hf_token=secret", "cannot be given"),
    ],
)
def test_an_argument_that_does_not_fit_is_refused(argument: str, said: str) -> None:
    """Unknown names, unfit values and what has another place are refused before vLLM starts."""
    with pytest.raises(InputError, match=re.escape(said)) as refused:
        open_engine(f"vllm:{small_folder()}", Given((argument,), quiet=True))
    assert refused.value.hint


def test_what_cannot_start_is_said_in_one_line(tmp_path: Path) -> None:
    """A start that fails gives vLLM's reason and a hint, and nothing else of vLLM's."""
    model = f"vllm:{small_folder()}"
    grow = ["grow", "--engine", model, "--engine-arg", "max_model_len=100000", "--out"]
    result = run(*grow, tmp_path / "run")
    assert result.code == 2, result
    said = result.err.splitlines()
    assert [line.split(":")[0] for line in said[1:]] == ["error", "hint"], result.err
    assert "max_position_embeddings=8192" in result.err
    assert result.out == ""


def test_the_last_fault_is_the_one_that_says_what_happened() -> None:
    """Of vLLM's log, the last error is taken that is not only a pointer to another."""
    log = [
        "(Worker pid=7) ERROR [executor.py:1] torch.OutOfMemoryError: CUDA out of memory.",
        "(Worker pid=7) WARNING [executor.py:2] nothing of note",
        "RuntimeError: Engine core initialization failed. See root cause above.",
    ]
    assert last_fault("\n".join(log)) == "torch.OutOfMemoryError: CUDA out of memory."
    assert last_fault("all is well") == ""


def test_an_error_is_told_without_its_wrapping() -> None:
    """What pydantic adds around a message is left out."""
    text = (
        "1 validation error for X\n  Value error, too long [type=value_error, input_type=int]\n"
        "    For further information visit https://errors.pydantic.dev/2.14/v/value_error"
    )
    assert plain(text) == "too long"


def test_company_does_not_change_a_text(engine: Engine) -> None:
    """On a CPU a prompt with a seed gets the same text alone, in a batch, and in another order."""
    prompts = some_prompts()
    together = answers(engine, prompts)
    assert len({text for text in together.values() if text}) == len(prompts)
    assert answers(engine, prompts[::-1]) == together
    assert {k: t for p in prompts[:3] for k, t in answers(engine, [p]).items()}.items() <= (
        together.items()
    )


def test_a_shared_head_is_read_once(engine: Engine) -> None:
    """The head that prompts share is served from the prefix cache."""
    prompts = [Prompt(f"k{n}", f"{HEAD}{n}.", sampling=Sampling(max_tokens=2)) for n in range(3)]
    first, *others = [next(iter(engine.complete([prompt]))) for prompt in prompts]
    assert first.prompt_tokens > 60
    assert all(completion.cached_tokens >= 32 for completion in others)


def test_more_prompts_than_one_step_can_read_are_answered(engine: Engine) -> None:
    """Prompts with seeds that exceed vLLM's batch of tokens wait for the next step."""
    prompts = [
        Prompt(f"k{n}", f"{n}. " + "word " * 900, sampling=Sampling(2, temperature=1.0, seed=n))
        for n in range(8)
    ]
    found = {completion.key: completion.finish for completion in engine.complete(prompts)}
    assert len(found) == len(prompts)
    assert set(found.values()) <= {"stop", "length"}


def test_a_top_p_of_zero_takes_the_likeliest_token(engine: Engine) -> None:
    """The published recipe has it, and vLLM's own parameters refuse it."""
    prompts = [
        Prompt(f"k{n}", "Once", sampling=Sampling(8, temperature=1.0, top_p=0, seed=n))
        for n in range(2)
    ]
    found = list(engine.complete(prompts))
    assert len({completion.text for completion in found}) == 1
    assert {completion.finish for completion in found} == {"length"}


def test_a_choice_longer_than_max_tokens_is_given_whole(engine: Engine) -> None:
    """Choices bound an answer by themselves."""
    choices = ("a rather long answer of many words", "another long answer of many words")
    prompt = Prompt("k", "Answer:", sampling=Sampling(max_tokens=1, choices=choices))
    (found,) = engine.complete([prompt])
    assert found.text in choices
    assert found.finish == "stop"


def test_a_schema_that_is_none_fails_by_itself(engine: Engine) -> None:
    """A schema that vLLM cannot use fails its prompt by name, not its neighbours."""
    broken = Prompt("broken", "JSON:", sampling=Sampling(max_tokens=4, schema='{"type": "nosuch"}'))
    sound = Prompt("sound", "Hello", sampling=Sampling(max_tokens=4))
    found = {completion.key: completion for completion in engine.complete([broken, sound])}
    assert found["broken"].finish == "error"
    assert "broken" in found["broken"].error
    assert found["sound"].finish in ("stop", "length")


def test_a_chat_is_not_the_same_as_its_text(engine: Engine) -> None:
    """Messages go through the chat template: its tokens count."""
    sampling = Sampling(max_tokens=4)
    chat = Prompt("chat", messages=(Message("user", "Hello"),), sampling=sampling)
    text = Prompt("text", "Hello", sampling=sampling)
    tokens = {found.key: found.prompt_tokens for found in engine.complete([chat, text])}
    assert engine.info.chat
    assert tokens["text"] == 1
    assert tokens["chat"] > 8


def test_an_adapter_changes_the_text_and_the_name(engine: Engine, tmp_path: Path) -> None:
    """A LoRA adapter is used on every prompt, named in the identity, and no process stays."""
    adapter = tmp_path / "odd"
    write_adapter(adapter)
    before = processes(lambda _, parent: parent == os.getpid())
    given = Given((*ARGUMENTS, f"lora={adapter}"), quiet=True)
    with open_engine(f"vllm:{small_folder()}", given) as adapted:
        assert adapted.info.model == f"{engine.info.model}+odd"
        assert adapted.info.revision.startswith(f"{engine.info.revision}+")
        assert adapted.info.licence == engine.info.licence
        changed = answers(adapted, some_prompts())
    assert not remaining(lambda _, parent: parent == os.getpid(), before)
    plainly = answers(engine, some_prompts())
    assert sum(changed[key] != plainly[key] for key in plainly) > len(plainly) // 2


def write_adapter(folder: Path) -> None:
    """Write a LoRA adapter with random weights, as PEFT would."""
    torch, safetensors = import_module("torch"), import_module("safetensors.torch")
    folder.mkdir()
    config = {"peft_type": "LORA", "r": RANK, "lora_alpha": 16, "bias": "none"}
    config |= {"target_modules": ["q_proj", "v_proj"], "task_type": "CAUSAL_LM"}
    (folder / "adapter_config.json").write_text(json.dumps(config))
    random = torch.Generator().manual_seed(1)
    weights = {}
    for layer in range(LAYERS):
        for name, out in (("q_proj", WIDTH), ("v_proj", VALUES)):
            place = f"base_model.model.model.layers.{layer}.self_attn.{name}"
            weights[f"{place}.lora_A.weight"] = torch.randn(RANK, WIDTH, generator=random) / 10
            weights[f"{place}.lora_B.weight"] = torch.randn(out, RANK, generator=random) / 10
    safetensors.save_file(weights, folder / "adapter_model.safetensors")


def processes(wanted: Callable[[int, int], bool]) -> set[int]:
    """Return the live processes whose group and parent are wanted, but for Python's own helper."""
    found = set()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            state, parent, group = (folder / "stat").read_text().rpartition(")")[2].split()[:3]
            is_helper = b"resource_tracker" in (folder / "cmdline").read_bytes()
        except OSError:
            continue  # it has just ended
        if state != "Z" and not is_helper and wanted(int(group), int(parent)):
            found.add(int(folder.name))
    return found


def remaining(wanted: Callable[[int, int], bool], before: Collection[int] = ()) -> set[int]:
    """Return those of the processes that are still there after some seconds.

    One look is not enough: a process that is just ending has no command line any more, so that
    Python's own helper counts for that moment.
    """
    deadline = time.monotonic() + 10
    while (found := processes(wanted) - set(before)) and time.monotonic() < deadline:
        time.sleep(0.1)
    return found


def test_a_signal_ends_a_run_and_its_processes(tmp_path: Path) -> None:
    """SIGTERM to the whole group: out soon, with how to resume, and no process left."""
    out = tmp_path / "run"
    given = [word for argument in ARGUMENTS for word in ("--engine-arg", argument)]
    grow: list[str | Path] = [
        "grow",
        "--engine",
        f"vllm:{small_folder()}",
        *given,
        "--out",
        out,
        "--no-export",
    ]
    with (tmp_path / "errors").open("w+b") as errors:
        process = subprocess.Popen(
            words(*grow, "--prompts-per-round", "8", "--rounds", "1"),
            env=environment({"VLLM_CPU_KVCACHE_SPACE": "1"}),
            stdout=subprocess.PIPE,
            stderr=errors,
            start_new_session=True,
        )
        while not any(path.stat().st_size for path in out.glob("**/journal/**/*.jsonl")):
            assert process.poll() is None, (tmp_path / "errors").read_text()
            time.sleep(0.1)
        os.killpg(process.pid, signal.SIGTERM)
        printed, _ = process.communicate(timeout=30)  # ten seconds, unless the machine is busy
    said = (tmp_path / "errors").read_text()
    assert process.returncode == 143, said
    assert "resume: selfinstruct grow" in said
    assert "Traceback" not in said
    assert "vllm" not in printed.decode().lower()
    assert not remaining(lambda group, _: group == process.pid)
