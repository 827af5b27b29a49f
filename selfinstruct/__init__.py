"""Grow an instruction-tuning dataset from seed tasks with a local language model."""

__version__ = "0.1.0"
