"""The fast tier of near-duplicate rows, in compiled code (the extra `fast`)."""
