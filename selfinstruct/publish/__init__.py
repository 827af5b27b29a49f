"""A run as a folder for others, and how that gets to a Hugging Face Hub or a mirror of one."""
