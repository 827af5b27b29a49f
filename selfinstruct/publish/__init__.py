"""A release of a dataset, and how it gets to a Hugging Face Hub or a mirror of one."""
