"""The judges where the extra `fast` is not installed."""

import subprocess
import sys

import pytest

from selfinstruct.novelty import minhash, rouge

ABSENT = """
import sys
sys.modules["numba"] = None  # what is not installed is neither found nor imported
from selfinstruct.errors import InputError
from selfinstruct.novelty import {kind}
judge = {kind}({threshold})
judge.add_all((str(place), f"{{place}} of many") for place in range({texts}))
print(len(judge), judge.admit([("x", "7 of many")]), judge.nearest("nothing at all"))
try:
    {kind}({threshold}, tier="fast")
except InputError as error:
    print(error.hint)
"""


@pytest.mark.parametrize(
    ("kind", "threshold", "fast_from"),
    [("RougeL", 0.7, rouge.FAST_FROM), ("MinHash", 0.8, minhash.FAST_FROM)],
)
def test_without_numba_the_plain_tier_stays(kind: str, threshold: float, fast_from: int) -> None:
    """Without the extra nothing changes and nothing is said; asking for it says how to get it."""
    program = ABSENT.format(kind=kind, threshold=threshold, texts=fast_from + 1)
    command = [sys.executable, "-W", "error", "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    answer, hint = done.stdout.splitlines()
    assert answer == f"{fast_from + 1} [Match(id='7', score=1.0)] None"
    assert "pip install 'selfinstruct[fast]'" in hint
