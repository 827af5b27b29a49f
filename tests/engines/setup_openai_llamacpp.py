"""The engine openai before a real llama.cpp server with the small model."""

from collections.abc import Iterator
from contextlib import contextmanager

import xllamacpp

from selfinstruct.engines import Engine, Given, open_engine, small_model

SLOTS, CONTEXT = 8, 2048


@contextmanager
def opened() -> Iterator[Engine]:
    """Serve the small model on a port of this machine, and open the engine on it."""
    params = xllamacpp.CommonParams()
    params.model.path = str(small_model.fetch(quiet=True))
    params.n_parallel = SLOTS
    params.n_ctx = SLOTS * CONTEXT
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 2
    params.n_batch = 256
    params.use_jinja = True
    params.warmup = False
    params.verbosity = -1
    server = xllamacpp.Server(params)
    try:
        with open_engine(f"openai:smollm2@{server.listening_address}/v1", Given()) as engine:
            yield engine
    finally:
        del server  # which ends it
