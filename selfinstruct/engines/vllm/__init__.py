"""vLLM in this process and its own: large models on GPUs, with continuous batching."""

from selfinstruct.engines.vllm.engine import VllmEngine, open_model

__all__ = ["VllmEngine", "open_model"]
