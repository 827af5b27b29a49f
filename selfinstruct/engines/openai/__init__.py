"""Any server that speaks OpenAI's API, such as vLLM, llama.cpp, Ollama or OpenAI itself."""

from selfinstruct.engines.openai.engine import OpenAIEngine, open_model

__all__ = ["OpenAIEngine", "open_model"]
