"""vLLM on the small model, as the contract of engines is tested with it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from small_folder import small_folder

from selfinstruct.engines import Engine, Given, open_engine

ARGUMENTS = (
    "max_model_len=2048",
    "max_num_seqs=16",
    "enforce_eager=true",  # compiling takes minutes
    "dtype=float32",
)


@contextmanager
def opened() -> Iterator[Engine]:
    """Open the small model with 1 GB for its cache, 16 prompts at a time."""
    os.environ.setdefault("VLLM_CPU_KVCACHE_SPACE", "1")
    with open_engine(f"vllm:{small_folder()}", Given(ARGUMENTS, quiet=True)) as engine:
        yield engine
