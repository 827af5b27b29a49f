"""Loading a checkpoint with transformers: the model on its device, and its tokenizer.

Decides: device, number format and limits of a model, and what is said when it cannot be loaded.
Does not know: prompts, or how they are completed.
"""

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from selfinstruct.engines import model_files
from selfinstruct.engines.options import Given
from selfinstruct.errors import EngineError, InputError


class TransformersOptions(msgspec.Struct, frozen=True):
    """What `--engine-arg` may set.

    `batch_size`: prompts decoded together. `device`: "auto" takes a GPU where there is one.
    `dtype`: of the weights; "auto" is the checkpoint's on a GPU, float32 on a CPU. `revision`:
    branch, tag or commit on the Hub. `lora`: a folder with an adapter to put on the model.
    `context`: tokens of prompt and completion; 0 takes all that the model has. `attention`: how
    attention is computed, where "auto" is not what you want.
    """

    batch_size: Annotated[int, msgspec.Meta(ge=1, le=1024)] = 16
    device: Annotated[str, msgspec.Meta(pattern=r"^(auto|cpu|mps|(cuda|xpu)(:\d+)?)$")] = "auto"
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    revision: str = ""
    lora: str = ""
    context: Annotated[int, msgspec.Meta(ge=0)] = 0
    attention: Literal["auto", "eager", "sdpa", "flash_attention_2"] = "auto"


def load(model: str, options: TransformersOptions, given: Given) -> tuple[Any, Any]:
    """Load a model and its tokenizer; raise EngineError where that cannot be."""
    try:
        import torch  # noqa: PLC0415 (an extra, and slow to import)
        import transformers  # noqa: PLC0415
    except ImportError as error:
        message = "the engine transformers needs the packages torch and transformers"
        hint = "install them with: pip install 'selfinstruct[transformers]'"
        raise EngineError(message, hint=hint) from error
    hush(transformers, quiet=given.quiet)
    source: dict[str, Any] = {
        "revision": options.revision or "main",
        "trust_remote_code": given.trust_remote_code,
    }
    device = device_of(torch, options.device)
    dtype = "float32" if options.dtype == "auto" and device == "cpu" else options.dtype
    attention = {} if options.attention == "auto" else {"attn_implementation": options.attention}
    try:
        tokenizer = transformers.AutoTokenizer.from_pretrained(model, **source)
        loaded = transformers.AutoModelForCausalLM.from_pretrained(
            model, dtype=dtype, **attention, **source
        )
        if options.lora:
            loaded.load_adapter(str(Path(options.lora).expanduser()))
        return loaded.to(device).eval(), tokenizer
    except Exception as error:
        raise EngineError(f"cannot load {model}: {first_line(error)}", hint=_hint(error)) from error


def _hint(error: Exception) -> str:
    """Say what to do about a model that cannot be loaded."""
    if "trust_remote_code" in str(error):
        return "read the code that comes with the model, then give --trust-remote-code"
    if "out of memory" in str(error):
        return "take a smaller model, or less precise weights: --engine-arg dtype=bfloat16"
    return (
        "is it a complete causal language model, and spelt as on the Hub? `hf auth login` if gated"
    )


def hush(transformers: Any, *, quiet: bool) -> None:  # noqa: ANN401
    """Keep warnings about loading and generating off the terminal, and bars if asked to."""
    transformers.logging.set_verbosity_error()
    if quiet:
        from huggingface_hub.utils import disable_progress_bars  # noqa: PLC0415 (an extra)

        disable_progress_bars()
        transformers.logging.disable_progress_bar()


def device_of(torch: Any, wanted: str) -> str:  # noqa: ANN401
    """Return the device to run on; raise InputError for one that is not there."""
    there = {
        "cuda": torch.cuda.is_available,
        "mps": torch.backends.mps.is_available,
        "xpu": torch.xpu.is_available,
        "cpu": lambda: True,
    }
    if wanted == "auto":
        return next(kind for kind in ("cuda", "mps", "cpu") if there[kind]())
    if not there[wanted.partition(":")[0]]():
        hint = "give device=auto, or install a torch that was built for it"
        raise InputError(f"torch finds no device {wanted!r} here", hint=hint)
    return wanted


def context_of(model: Any, wanted: int) -> int:  # noqa: ANN401
    """Return the tokens of prompt and completion; raise InputError for more than a model has."""
    most = getattr(model.config.get_text_config(), "max_position_embeddings", None) or 0
    if wanted > most > 0:
        hint = "leave it out, or give a smaller one"
        raise InputError(f"context={wanted} is more than the model has: {most}", hint=hint)
    return wanted or int(most)


def ends_of(model: Any, tokenizer: Any) -> frozenset[int]:  # noqa: ANN401
    """Return the tokens that end a text: the checkpoint may name several."""
    named = model.generation_config.eos_token_id
    found = named if isinstance(named, list | tuple) else [named]
    return frozenset(token for token in [*found, tokenizer.eos_token_id] if token is not None)


def check_adapter(adapter: str) -> None:
    """Refuse what is no adapter, or cannot be put on, before a model loads."""
    model_files.adapter_folder(adapter)
    if find_spec("peft") is None:
        message = "the argument lora of the engine transformers needs the package peft"
        raise EngineError(message, hint="install it with: pip install peft")


def first_line(error: Exception) -> str:
    """Return an error's kind and the first line of what it says."""
    said = " ".join(str(error).strip().splitlines()[:1])
    return f"{type(error).__name__}: {said[:300]}"
