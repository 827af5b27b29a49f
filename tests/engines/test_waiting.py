"""Which prompt a slot of llama.cpp takes next."""

from threading import Thread

from selfinstruct.engines import Prompt, Sampling
from selfinstruct.engines.llamacpp.waiting import SHORT_SLOT, Waiting

HEAD = "A list of tasks:\n"
GROUPS = [HEAD + f"1. The examples of group {name}, at some length.\n2. " for name in "ABC"]


def filled(*prompts: Prompt, slots: int = 4) -> Waiting:
    """Return what waits, before any slot has read anything."""
    waiting = Waiting([""] * slots)
    for prompt in prompts:
        waiting.put(prompt)
    return waiting


def taken(waiting: Waiting, *slots: int) -> str:
    """Let slots take in turn, and return the keys."""
    found = (waiting.take(slot) for slot in slots)
    return " ".join(prompt.key for prompt in found if prompt)


def grouped() -> list[Prompt]:
    """Return two prompts of each group, group by group."""
    return [
        Prompt(f"{group[len(HEAD) + 25]}{n}", f"{group}{n}") for group in GROUPS for n in (1, 2)
    ]


def test_slots_share_out_the_groups_and_stay_with_them() -> None:
    """Prompts with the same examples go to one slot, one after the other."""
    assert taken(filled(*grouped()), 1, 2, 3, 3, 1, 2) == "A1 B1 C1 C2 A2 B2"


def test_a_slot_without_work_of_its_own_takes_another_s() -> None:
    """No slot is idle while anything waits."""
    assert taken(filled(*grouped()[:2]), 1, 2) == "A1 A2"


def test_equal_prompts_are_taken_in_their_order() -> None:
    """Where no slot has an advantage, what has waited longest is first."""
    prompts = [Prompt(f"k{n}", "Hello") for n in range(3)]
    assert taken(filled(*prompts), 2, 1, 3) == "k0 k1 k2"


def test_short_answers_have_a_slot_of_their_own() -> None:
    """It takes nothing else, and nobody else takes them."""
    short = Prompt("short", HEAD, sampling=Sampling(max_tokens=3))
    waiting = filled(*grouped()[:1], short)
    assert taken(waiting, 1, SHORT_SLOT) == "A1 short"
    idle = Thread(target=taken, args=(waiting, SHORT_SLOT))
    idle.start()
    waiting.put(Prompt("long", HEAD))
    assert taken(waiting, 2) == "long"
    assert idle.is_alive()
    waiting.close()
    idle.join(5)
    assert not idle.is_alive()
