"""Grow an instruction-tuning dataset from seed tasks with a local language model.

The public names are those below; everything else may change between releases.
"""

__version__ = "0.1.0"
