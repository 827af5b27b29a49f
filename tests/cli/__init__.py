"""One file for each command, and one for bad input to any of them."""
