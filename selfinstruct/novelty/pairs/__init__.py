"""The fast tier: an exact index of pairs of rare tokens, in compiled code.

index.py and what it imports need numba (the extra `fast`); bounds.py does not.
"""
