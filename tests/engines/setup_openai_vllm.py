"""The engine openai before a real vLLM server with the small model."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from small_folder import small_folder

from selfinstruct.engines import Engine, Given, open_engine

SECONDS = 240
"""In which a server has to be there; 30 are usual."""

OPTIONS = (
    "--host=127.0.0.1 --dtype=float32 --enforce-eager --max-model-len=2048 --max-num-seqs=16 "
    "--served-model-name=small --enable-prompt-tokens-details"
)


@contextmanager
def opened() -> Iterator[Engine]:
    """Serve the small model on a port of this machine, and open the engine on it."""
    with served(small_folder()) as url, open_engine(f"openai:small@{url}", Given()) as engine:
        yield engine


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Run a server in a process group of its own, and end all of it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = [sys.executable, "-m", "vllm.entrypoints.openai.api_server"]
    words += ["--model", str(folder), "--port", str(port), *OPTIONS.split()]
    quiet = {"VLLM_CPU_KVCACHE_SPACE": "1", "HF_HUB_OFFLINE": "1", "VLLM_LOGGING_LEVEL": "ERROR"}
    server = subprocess.Popen(
        words,
        env={**os.environ, **quiet},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        wait_until_healthy(server, f"http://127.0.0.1:{port}/health")
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()


def wait_until_healthy(server: subprocess.Popen[bytes], url: str) -> None:
    """Wait for a server to answer."""
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        assert server.poll() is None, f"vLLM's server ended with {server.returncode}"
        try:
            with urllib.request.urlopen(url, timeout=5):  # noqa: S310 (our own server)
                return
        except OSError:
            time.sleep(0.5)
    raise TimeoutError(f"no answer from {url} in {SECONDS} s")
