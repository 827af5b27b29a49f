"""Engine arguments of vLLM: `--engine-arg key=value`, as vLLM's own command line reads them.

Decides: which of vLLM's arguments cannot be given, our own one (`lora`), and the defaults that
differ from vLLM's. Does not know: what an argument does; names, types and choices are vLLM's.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, NoReturn, get_args

import msgspec

from selfinstruct.engines.model_files import Identity, with_adapter
from selfinstruct.engines.options import Given, pairs
from selfinstruct.engines.vllm.processes import plain
from selfinstruct.errors import InputError, unknown_name

KIND = "argument of the engine vllm"
LORA = "lora"

REFUSED = {
    "model": "the model is in the spec: --engine vllm:MODEL",
    "trust_remote_code": "use --trust-remote-code",
    "hf_token": "set HF_TOKEN in the environment: arguments are written down in the run",
    "enable_lora": f"give the adapter's folder: --engine-arg {LORA}=FOLDER",
}
"""Arguments of vLLM that have another place here, and which."""


class Adapter(msgspec.Struct, frozen=True):
    """A LoRA adapter: its folder and its rank."""

    folder: Path
    rank: int


class AdapterConfig(msgspec.Struct, frozen=True):
    """What we read of PEFT's adapter_config.json."""

    r: Annotated[int, msgspec.Meta(ge=1)]


def read_own(given: Given) -> tuple[dict[str, str], Adapter | None]:
    """Return the arguments meant for vLLM, and the adapter; raise InputError for refused ones.

    Nothing of vLLM is needed for it: importing that takes ten seconds.
    """
    found = pairs(given.arguments)
    for key, hint in REFUSED.items():
        if key in found:
            raise InputError(f"the engine argument {key!r} cannot be given", hint=hint)
    folder = found.pop(LORA, None)
    return found, None if folder is None else _adapter(folder)


def _adapter(folder: str) -> Adapter:
    """Read a LoRA adapter's rank."""
    with_adapter(Identity(""), folder)  # refuses what is no adapter
    path = Path(folder).expanduser().resolve()
    try:
        content = (path / "adapter_config.json").read_bytes()
        return Adapter(path, msgspec.json.decode(content, type=AdapterConfig).r)
    except (OSError, msgspec.DecodeError) as error:
        hint = "give the folder that PEFT's save_pretrained wrote"
        message = f"the engine argument {LORA}={folder} does not fit: {error}"
        raise InputError(message, hint=hint) from error


def engine_arguments(
    model: str, given: Given, found: dict[str, str], adapter: Adapter | None
) -> Any:  # noqa: ANN401 (vLLM is an extra)
    """Return vLLM's AsyncEngineArgs; raise InputError for unknown names and unfit values."""
    from vllm.engine.arg_utils import AsyncEngineArgs  # noqa: PLC0415 (an extra)

    parser = _parser()
    words = {key: _words(parser, key, value) for key, value in found.items()}
    for key, value in found.items():
        _parse(parser, words[key], f"{key}={value}")
    every = [word for some in words.values() for word in some]
    parsed = _parse(parser, every, " ".join(every))
    # Before they become vLLM's: without a network it looks for the model at once.
    parsed.model = str(Path(model).expanduser()) if model.startswith("~") else model
    arguments = AsyncEngineArgs.from_cli_args(parsed)
    arguments.trust_remote_code = given.trust_remote_code
    arguments.disable_log_stats = "disable_log_stats" not in found or arguments.disable_log_stats
    _adjust_to_cpu(arguments, found)
    if adapter:
        arguments.enable_lora = True
        if "max_lora_rank" not in found:
            arguments.max_lora_rank = _rank(adapter.rank)
    return arguments


def _parser() -> Any:  # noqa: ANN401 (vLLM has no types here)
    """Return vLLM's own parser of engine arguments."""
    from vllm.engine.arg_utils import AsyncEngineArgs  # noqa: PLC0415 (an extra)
    from vllm.utils.argparse_utils import FlexibleArgumentParser  # noqa: PLC0415 (an extra)

    parser = FlexibleArgumentParser(add_help=False, allow_abbrev=False)
    return AsyncEngineArgs.add_cli_args(parser)


def _words(parser: Any, key: str, value: str) -> list[str]:  # noqa: ANN401 (vLLM's)
    """Return the words of vLLM's command line for one argument.

    A dot in a key sets one field of an argument that is JSON, as there.
    """
    name, dot, _ = key.partition(".")
    actions = {action.dest: action for action in parser._actions}  # noqa: SLF001 (argparse has no other way)
    if name not in actions:
        raise unknown_name(KIND, name, {*actions, LORA} - set(REFUSED), hint=_see())
    action = actions[name]
    option = "--" + key.replace("_", "-") if not dot else f"--{key}"
    negative = "--no-" + name.replace("_", "-")
    is_flag = action.nargs == 0
    if is_flag:
        if value.lower() not in ("true", "false"):
            _refuse(f"{key}={value}", "expected true or false")
        if value.lower() == "true":
            return [option]
        return [negative] if negative in action.option_strings else []
    return [option, *value.split()] if action.nargs == "+" else [f"{option}={value}"]


def _parse(parser: Any, words: Sequence[str], shown: str) -> Any:  # noqa: ANN401 (vLLM's)
    """Have vLLM's parser read words; what it says against them becomes an InputError."""

    def refuse(message: str) -> NoReturn:
        _refuse(shown, plain(message))

    parser.error = refuse  # instead of printing its usage and ending the process
    try:
        return parser.parse_args(list(words))
    except (ValueError, TypeError) as error:
        _refuse(shown, plain(str(error)))


def _refuse(shown: str, reason: str) -> NoReturn:
    raise InputError(f"the engine argument {shown} does not fit: {reason}", hint=_see())


def _see() -> str:
    return "see the engine arguments of vLLM: vllm serve --help=all"


def _rank(rank: int) -> int:
    """Return the smallest rank that vLLM has room for and the adapter fits in."""
    from vllm.config.lora import MaxLoRARanks  # noqa: PLC0415 (an extra)

    ranks = sorted(get_args(MaxLoRARanks))
    for most in ranks:
        if rank <= most:
            return int(most)
    message = f"the adapter given with {LORA} has rank {rank}; vLLM takes at most {ranks[-1]}"
    raise InputError(message, hint="merge the adapter into the model instead")


def _adjust_to_cpu(arguments: Any, found: dict[str, str]) -> None:  # noqa: ANN401 (vLLM's)
    """Change three defaults where vLLM runs on a CPU."""
    from vllm.platforms import current_platform  # noqa: PLC0415 (an extra)

    if not current_platform.is_cpu():
        return
    if "dtype" not in found and not _has_bfloat16():
        arguments.dtype = "float32"  # bfloat16 without instructions for it is far slower
    if "block_size" not in found:
        # Whole blocks are cached: with vLLM's 128, a head of 100 tokens is read every time
        # (64 prompts: 37 s, not 21). Smaller ones are refused.
        arguments.block_size = 32
    if "enable_chunked_prefill" not in found:
        # A prompt with a seed that is read in two steps kills vLLM on a CPU ("CPU Generator
        # does not use offset", vLLM 0.32): so each is read in one.
        arguments.enable_chunked_prefill = False


def _has_bfloat16() -> bool:
    """Say whether the CPU computes in bfloat16; where it does not say, vLLM decides."""
    try:
        return "bf16" in Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace")
    except OSError:
        return True
