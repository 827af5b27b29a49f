"""Stands where torchaudio is imported and not used: its wheels need the libraries of a GPU."""
