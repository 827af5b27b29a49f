"""transformers in this process: any causal model in a folder or on the Hugging Face Hub."""

from selfinstruct.engines.transformers.engine import TransformersEngine, open_model

__all__ = ["TransformersEngine", "open_model"]
