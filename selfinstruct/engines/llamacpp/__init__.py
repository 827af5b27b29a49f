"""llama.cpp in this process, through xllamacpp: the default engine."""

from selfinstruct.engines.llamacpp.engine import LlamaCppEngine, cores, open_model

__all__ = ["LlamaCppEngine", "cores", "open_model"]
