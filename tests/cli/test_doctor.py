"""`selfinstruct doctor`: what is here, what would work, what to type."""

import json
import os
from pathlib import Path

import pytest
from command import refused, run

from selfinstruct.engines.machine import Gpu, Ready, read_gpu, suggest

CARD = "NVIDIA H200, 143771, 570.00, 0, GPU-5f3c"


def with_gpu(folder: Path, lines: str) -> dict[str, str]:
    """Return an environment in which the driver's program says `lines`."""
    program = folder / "nvidia-smi"
    program.write_text(f"#!/bin/sh\ncat <<'END'\n{lines}\nEND\n", encoding="utf-8")
    program.chmod(0o755)
    return {"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"}


def test_page_names_every_engine_and_a_command(tmp_path: Path) -> None:
    """The page says of each engine whether it would work, and ends with what to type."""
    result = run("doctor", cwd=tmp_path)
    assert result.code == 0
    for engine in ("llamacpp", "vllm", "transformers", "openai"):
        assert f"\n  {engine} " in result.out
    assert "Suggestion:  selfinstruct grow" in result.out
    assert list(tmp_path.iterdir()) == []


def test_gpu_is_found_and_json_says_the_same(tmp_path: Path) -> None:
    """A GPU that the driver reports is shown, with its memory in GiB, also as JSON."""
    env = with_gpu(tmp_path, CARD)
    assert "GPU: NVIDIA H200, 140.4 GiB, driver 570.00" in run("doctor", env=env).out
    found = json.loads(run("doctor", "--json", env=env).out)
    (gpu,) = found["gpus"]
    assert (gpu["name"], gpu["memory"], gpu["driver"]) == ("NVIDIA H200", 140.4, "570.00")


def test_only_visible_gpus_count(tmp_path: Path) -> None:
    """CUDA_VISIBLE_DEVICES chooses among the GPUs, by number or by UUID; empty hides all."""
    env = with_gpu(tmp_path, "A, 81920, 1, 0, GPU-aa11\nB, 81920, 1, 1, GPU-bb22")
    for value, shown in (("1", ["B"]), ("GPU-aa", ["A"]), ("1,0", ["B", "A"]), ("", [])):
        out = run("doctor", "--json", env={**env, "CUDA_VISIBLE_DEVICES": value}).out
        assert [gpu["name"] for gpu in json.loads(out)["gpus"]] == shown


def test_gpu_without_a_size_is_one() -> None:
    """Where memory is shared with the processor the driver says no size."""
    assert read_gpu("GB10, [N/A], 580, 0, GPU-1") == Gpu("GB10", 0, "580", ("0", "GPU-1"))


@pytest.mark.parametrize("line", ["", "No devices were found", "A, B", "A, 1, 1", "a,b,c,d,e"])
def test_what_is_no_gpu_is_passed_over(line: str) -> None:
    """Whatever the driver's program says instead of a GPU is not taken for one."""
    assert read_gpu(line) is None


def test_broken_driver_is_no_gpu(tmp_path: Path) -> None:
    """A driver's program that fails leaves the page whole."""
    env = with_gpu(tmp_path, CARD)
    (tmp_path / "nvidia-smi").write_text("#!/bin/sh\nexit 9\n", encoding="utf-8")
    assert "GPU: none found" in run("doctor", env=env).out


@pytest.mark.parametrize(
    ("gpus", "on_gpu", "expected"),
    [
        ([], [], "selfinstruct grow --rounds 5"),
        ([141], ["vllm"], "vllm:Qwen/Qwen3-30B-A3B-Instruct-2507 --prompts-per-round 8192"),
        ([24, 24], ["vllm"], "Qwen3-8B --engine-arg data_parallel_size=2 --prompts-per-round 4096"),
        ([80, 12], ["vllm"], "vllm:Qwen/Qwen3-4B"),
        ([12], ["transformers"], "transformers:Qwen/Qwen3-4B"),
        ([2], ["vllm"], "selfinstruct grow --rounds 5"),
        ([141], [], "selfinstruct grow --rounds 5"),
    ],
)
def test_suggestion_fits_the_machine(gpus: list[float], on_gpu: list[str], expected: str) -> None:
    """The model suggested fits the smallest GPU, and its engine can use it."""
    engines = [
        Ready(name, works=name == "llamacpp" or name in on_gpu, detail="", on_gpu=name in on_gpu)
        for name in ("llamacpp", "vllm", "transformers", "openai")
    ]
    assert expected in suggest(tuple(Gpu("x", size) for size in gpus), tuple(engines))


def test_engine_is_tried_for_real(tmp_path: Path) -> None:
    """With --engine the engine is opened and asked; its answer is shown."""
    script = tmp_path / "script.jsonl"
    script.write_text('{"text": " a cork"}\n', encoding="utf-8")
    result = run("doctor", "--engine", f"scripted:{script}")
    assert result.code == 0
    assert f"scripted:{script} works" in result.out
    assert "' a cork'" in result.out


def test_engine_that_does_not_answer_is_said_so(tmp_path: Path) -> None:
    """An engine that opens and fails ends with an error."""
    script = tmp_path / "script.jsonl"
    script.write_text(
        '{"key": "0000/doctor/*", "text": "", "finish": "error", "error": "no"}\n', "utf-8"
    )
    refused(run("doctor", "--engine", f"scripted:{script}"), "opens, but does not answer: no")


@pytest.mark.parametrize("variable", ["HF_HUB_CACHE", "HF_HOME"])
def test_models_in_the_hub_cache_are_listed(tmp_path: Path, variable: str) -> None:
    """Models are found where huggingface_hub keeps them, as its variables say."""
    hub = tmp_path if variable == "HF_HUB_CACHE" else tmp_path / "hub"
    blobs = hub / "models--some--model-7b" / "blobs"
    blobs.mkdir(parents=True)
    (blobs / "0").write_bytes(b"\0" * (30 << 20))
    found = json.loads(run("doctor", "--json", env={variable: str(tmp_path)}).out)
    models = [one for one in found["models"] if one["model"] == "some/model-7b"]
    assert [one["size"] for one in models] == [0.03]
