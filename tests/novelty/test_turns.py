"""Memories under interrupts, threads and nonsense: the right answer or an error."""

import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from selfinstruct.errors import InputError, SelfInstructError
from selfinstruct.novelty import Match, MinHash, RougeL
from selfinstruct.novelty.base import Tier
from selfinstruct.novelty.turns import Turns

TEXTS = [
    (f"id {place}", f"tell w{place} of v{place % 7} and x{place % 11}") for place in range(400)
]

Memory = RougeL | MinHash
makers: dict[str, Callable[[Tier], Memory]] = {
    "rouge": lambda tier: RougeL(0.7, tier=tier),
    "minhash": lambda tier: MinHash(0.8, tier=tier),
}


@pytest.mark.parametrize("threshold", [-0.1, 1.01, 70, float("nan"), float("inf")])
def test_a_threshold_that_is_no_share_is_refused(threshold: float) -> None:
    """Both judges take 0 to 1, and say what was given."""
    for make in (RougeL, MinHash):
        with pytest.raises(InputError, match=str(threshold)):
            make(threshold)


@pytest.mark.parametrize("kind", sorted(makers))
def test_an_unknown_tier_is_refused_with_the_closest(kind: str) -> None:
    """A misspelt tier does not silently mean the plain one."""
    with pytest.raises(InputError, match="did you mean 'fast'"):
        makers[kind]("Fast")  # type: ignore[arg-type]


def test_after_an_interrupted_change_nothing_is_answered() -> None:
    """Once a change is cut short, every question and change raises an error with the cure."""
    turns = Turns()
    with pytest.raises(KeyboardInterrupt), turns.changing():
        raise KeyboardInterrupt
    for use in (turns.asking, turns.changing):
        with pytest.raises(SelfInstructError, match="not whole") as raised, use():
            pass
        assert "build a new one" in str(raised.value.hint)


@pytest.mark.parametrize("tier", ["plain", "fast"])
@pytest.mark.parametrize("kind", sorted(makers))
def test_an_interrupt_before_the_change_does_no_harm(kind: str, tier: Tier) -> None:
    """What fails while texts are read leaves the memory as it was."""
    memory = makers[kind](tier)
    memory.add_all(TEXTS[:50])
    bad: list[tuple[str, str]] = [TEXTS[60], ("bad", None)]  # type: ignore[list-item]
    with pytest.raises((AttributeError, TypeError)):
        memory.add_all(bad)
    assert len(memory) == 50
    assert memory.nearest(TEXTS[7][1]) == Match("id 7", 1.0)
    assert memory.nearest(TEXTS[60][1]) is None


@pytest.mark.parametrize("tier", ["plain", "fast"])
@pytest.mark.parametrize("kind", sorted(makers))
def test_threads_that_ask_one_memory_get_its_answers(kind: str, tier: Tier) -> None:
    """Callers take turns: four threads get what one gets."""
    memory = makers[kind](tier)
    memory.add_all(TEXTS)
    texts = [text for _, text in TEXTS]
    alone = memory.nearest_all(texts)
    with ThreadPoolExecutor(4) as threads:
        for found in threads.map(memory.nearest_all, [texts] * 8):
            assert found == alone


def test_rows_do_not_depend_on_how_threads_share_them() -> None:
    """A batch large enough for several threads gives the answers of single rows, short ones too."""
    rows = [
        (str(place), f"{place % 10}" if place % 3 else f"a{place} b c d") for place in range(4096)
    ]
    whole, single = MinHash(0.8, tier="fast"), MinHash(0.8, tier="fast")
    assert whole.admit(rows) == [single.admit([row])[0] for row in rows]


def test_the_cache_folder_may_be_read_only(tmp_path: Path) -> None:
    """Where compiled code cannot be kept, it is compiled for the process, without an error."""
    program = (
        "from selfinstruct.novelty import RougeL\n"
        "judge = RougeL(0.7, tier='fast')\n"
        "judge.add('a', 'write a poem about the sea')\n"
        "print(judge.nearest('write a poem about the sea').id)\n"
    )
    (tmp_path / "cache").write_text("a file where a folder should be")
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path / "cache")}
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert (done.returncode, done.stdout) == (0, "a\n"), done.stderr
