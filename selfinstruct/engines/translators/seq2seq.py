"""An encoder-decoder model of transformers: lines in, lines out.

Decides: how a model is loaded, which lines run together, and how a translation is searched for.
Does not know: what languages are called.
"""

import copy
import gc
import warnings
from collections.abc import Callable, Sequence
from typing import Any

from selfinstruct.engines import model_files
from selfinstruct.engines.options import Given
from selfinstruct.engines.transformers.checkpoints import device_of, first_line, hush
from selfinstruct.engines.translators.base import TranslatorOptions
from selfinstruct.errors import EngineError, InputError

EXTRA = "install it with: pip install 'selfinstruct[translate]'"

Encode = Callable[[str], Sequence[int]]


class Seq2Seq:
    """A loaded model, its tokenizer, and what is known of it."""

    def __init__(
        self,
        model: Any,  # noqa: ANN401 (has no types where torch is not installed)
        tokenizer: Any,  # noqa: ANN401
        identity: model_files.Identity,
        options: TranslatorOptions,
    ) -> None:
        self.tokenizer = tokenizer
        self.identity = identity
        self._model = model
        self._batch_size = options.batch_size
        self._positions = int(getattr(model.config, "max_position_embeddings", None) or 512)
        how = copy.deepcopy(model.generation_config)
        how.update(
            num_beams=options.num_beams,
            num_return_sequences=1,
            do_sample=False,
            max_length=None,
            max_new_tokens=min(options.max_tokens, self._positions - 2),
            forced_eos_token_id=None,  # it would make a translation that is cut look whole
        )
        # Given with a call, what is None here would be filled in from the model's own again.
        model.generation_config = how

    def write(self, lines: Sequence[str], encode: Encode, first: int | None = None) -> list[str]:
        """Return a translation of each line, "" for one that is too long or does not end.

        `first` is the token that a translation begins with, where a model is told its language
        so. Raises EngineError where the model fails.
        """
        rows = {line: list(encode(line)) for line in lines}
        fitting = [line for line in rows if len(rows[line]) <= self._positions]
        fitting.sort(key=lambda line: (len(rows[line]), line))
        found: dict[str, str] = {}
        for batch in _batches(fitting, self._batch_size):
            written = self._run([rows[line] for line in batch], first)
            found.update(zip(batch, written, strict=True))
        return [found.get(line, "") for line in lines]

    def close(self) -> None:
        """Give the model's memory back."""
        import torch  # noqa: PLC0415 (an extra)

        self._model = None
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()

    def _run(self, rows: Sequence[Sequence[int]], first: int | None) -> list[str]:
        """Translate rows together; in halves where they are too many for the memory."""
        import torch  # noqa: PLC0415 (an extra)

        try:
            with torch.inference_mode():
                return self._generate(rows, first, torch)
        except torch.OutOfMemoryError as error:
            if len(rows) == 1:
                hint = "take a smaller model, fewer beams, or less precise weights: dtype=bfloat16"
                raise EngineError(f"cannot translate: {first_line(error)}", hint=hint) from error
        except Exception as error:
            hint = "try another device or dtype, for example device=cpu"
            raise EngineError(f"cannot translate: {first_line(error)}", hint=hint) from error
        middle = len(rows) // 2
        return self._run(rows[:middle], first) + self._run(rows[middle:], first)

    def _generate(
        self,
        rows: Sequence[Sequence[int]],
        first: int | None,
        torch: Any,  # noqa: ANN401
    ) -> list[str]:
        """Have transformers search for the translations of padded rows."""
        pad = self.tokenizer.pad_token_id
        width = max(map(len, rows))
        tokens = [[*row, *[pad] * (width - len(row))] for row in rows]
        mask = [[1] * len(row) + [0] * (width - len(row)) for row in rows]
        written = self._model.generate(
            input_ids=torch.tensor(tokens, device=self._model.device),
            attention_mask=torch.tensor(mask, device=self._model.device),
            forced_bos_token_id=first,
        )
        return [self._text(row) for row in written.tolist()]

    def _text(self, row: Sequence[int]) -> str:
        """Return the text of a translation that has ended; the first token only starts it."""
        if self.tokenizer.eos_token_id not in row[1:]:
            return ""
        text: str = self.tokenizer.decode(
            row, skip_special_tokens=True, clean_up_tokenization_spaces=False
        )
        return text.strip()


def load(model: str, options: TranslatorOptions, given: Given) -> Seq2Seq:
    """Load a translation model from a folder or the Hub.

    Raises InputError for a folder that is none, EngineError where it cannot be loaded.
    """
    try:
        import torch  # noqa: PLC0415 (an extra, and slow to import)
        import transformers  # noqa: PLC0415
    except ImportError as error:
        message = "a translator needs the packages torch and transformers"
        hint = "install them with: pip install 'selfinstruct[transformers]'"
        raise EngineError(message, hint=hint) from error
    hush(transformers, quiet=given.quiet)
    source: dict[str, Any] = {
        "pretrained_model_name_or_path": model_files.expanded(model),
        "revision": options.revision or "main",
        "trust_remote_code": given.trust_remote_code,
    }
    device = device_of(torch, options.device)
    dtype = "float32" if options.dtype == "auto" and device == "cpu" else options.dtype
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # one asks for a package that it does not use
            tokenizer = transformers.AutoTokenizer.from_pretrained(**source)
            loaded = transformers.AutoModelForSeq2SeqLM.from_pretrained(dtype=dtype, **source)
            loaded = loaded.to(device).eval()
    except Exception as error:
        raise _cannot_load(model, error) from error
    return Seq2Seq(loaded, tokenizer, model_files.identify(model, options.revision), options)


def _cannot_load(model: str, error: Exception) -> EngineError:
    """Return the error for a model that cannot be loaded."""
    if "sentencepiece" in str(error).casefold():
        return EngineError(f"{model} needs the package sentencepiece", hint=EXTRA)
    hint = "is it a complete translation model, and spelt as on the Hub? `hf auth login` if gated"
    return EngineError(f"cannot load {model}: {first_line(error)}", hint=hint)


def check_folder(model: str) -> None:
    """Refuse what is neither a model's folder nor looks like an id on the Hub."""
    model_files.is_folder(model)


def _batches(lines: Sequence[str], size: int) -> Sequence[Sequence[str]]:
    """Return lines in groups of a size."""
    return [lines[place : place + size] for place in range(0, len(lines), size)]


def check_pair(source: str, target: str) -> None:
    """Refuse to translate a language to itself."""
    if source == target:
        hint = "translate to another language first, then back"
        raise InputError(f"source and target are both {source!r}", hint=hint)
