"""A script for `--engine scripted:FILE`: replies to every stage, good ones and bad ones.

Every text is invented here from fixed tables, so two calls write the same bytes. Replies are
picked by the digest of a prompt's key: over a few rounds every stage accepts most of what it
gets and refuses some, for many different reasons.
"""

import json
from pathlib import Path

_WHO = (
    "a retired baker",
    "two quarrelling neighbours",
    "the night nurse",
    "an apprentice clockmaker",
    "my youngest cousin",
    "the village librarian",
    "a tired bus driver",
    "three university students",
    "an amateur beekeeper",
    "the new head gardener",
    "a lighthouse keeper",
)
_WHAT = (
    "a leaking kitchen tap",
    "sourdough bread without yeast",
    "the oldest bridge in town",
    "learning Portuguese at sixty",
    "winter tomatoes under glass",
    "a lost umbrella",
    "saving electricity in old houses",
    "chess openings for beginners",
    "the smell of rain",
    "folding a paper crane correctly",
    "frozen rivers and thin ice",
    "choosing a second-hand piano",
    "the first day at school",
)
_HOW = (
    "in at most forty words",
    "with one funny comparison",
    "before the market opens on Saturday",
    "and mention what it costs",
    "so that a grandfather enjoys it",
    "using only short sentences",
    "from the point of view of a cat",
)
_TWISTS = (
    "",
    "",
    ", then add a warning",
    ", and end with a question",
    " {keep the braces}",
    ", caf\u00e9 style \u2615",
    ", based on the text below",
)

_BAD_PROPOSALS: tuple[tuple[str, str], ...] = (
    ("", "stop"),
    ("   ", "stop"),
    (" a story that never gets to its", "length"),
    (" the harbour at dawn and every boat that", "length"),
    ("", "error"),
    (" list of different tasks for a helpful writing assistant.", "stop"),
    (" \u8bf7\u7528\u4e2d\u6587\u5199\u4e00\u9996\u5173\u4e8e\u79cb\u5929\u7684\u8bd7", "stop"),
    (" the sound of a bell\u0007 in the fog at night.", "stop"),
    (" the attached image and the video of a parade.", "stop"),
    (" a walk along the canal and", "stop"),
    (" again and again and again and again and again and again.", "stop"),
    (" what your favourite holiday with your family was.", "stop"),
    (" half a cyclist \U0001f680 who pays for the", "stop"),
)

_RESPONSES: tuple[str, ...] = (
    "Turn off the water first, then unscrew the handle and change the washer.",
    "Bread needs time: mix flour with water, wait a week, and feed the mixture daily.",
    "The bridge was built in 1874 by masons who slept in tents beside the river.",
    "Start with ten words each morning; songs help more than tables of verbs.",
    "Glass keeps the frost out, yet plants still want light and a little air.",
    "Somebody left it on the tram, and nobody has asked for it since Tuesday.",
    "Heavy curtains save more than people think, and they cost very little.",
    "Move a pawn in the centre, bring out both knights, and castle early.",
    "Rain smells of dust, stone and distant fields, as if the street remembered summer.",
    "Crease it along the old lines, never against them, and begin at the edge.",
    "Ice that sings is thin; ice that is silent may hold a child, but not a horse.",
    "Press every key slowly and listen for the one that sounds like a spoon.",
    "He held his satchel with both hands and counted the windows until the bell rang.",
    "caf\u00e9, na\u00efve, \u4f60\u597d, \U0001f680 and {braces} belong in one honest sentence.",
    "def double(number):\n    return {'twice': number * 2}\n\nThe function doubles a number.",
    "Dear neighbour,\n\nthank you for the soup. It was warm, and so was the note beside it.",
    "Hidden \u202e characters \u202c may stand in a text, but they should not fool a reader.",
    "She paid 3,50 euros for it: half in coins, half in promises.",
    "Ask the driver, look at the clock twice, and leave early when it snows.",
    "A good warning is short: hot pan, small hands, stay back.",
)

_BAD_RESPONSES: tuple[tuple[str, str], ...] = (
    ("", "stop"),
    ("  \n ", "stop"),
    ("The answer begins well enough and then it simply", "length"),
    ("", "error"),
    ("I will answer as a helpful assistant in a few words.", "stop"),
    ("Dear [Your Name], the parcel has arrived at the post office.", "stop"),
    ("\u001b[2Jcleared your screen with one escape sequence.", "stop"),
    ("round and round we go " * 12, "stop"),
    ("Here is the list you wanted:", "stop"),
    (" ".join(f"word{number}" for number in range(300)), "stop"),
)

_INPUTS: tuple[str, ...] = (
    "The ferry was late again. Passengers waited on the pier and shared a thermos of tea.",
    "A fox crossed the schoolyard at noon, and forty children forgot their sandwiches.",
    "Our shop opens at nine. On Mondays we are closed, but the bell still works.",
    "The violin had one string left, so the old man played the shortest tune he knew.",
    "Two engineers argued about a valve while the boiler behind them began to whistle.",
    "Plums were cheap that year, and every kitchen in the street smelled of jam.",
)

_BAD_INPUTS: tuple[tuple[str, str], ...] = (
    ("The paragraph that was cut off in the middle of", "length"),
    ("", "error"),
    ("Here are two or three sentences about the sea.", "stop"),
    ("A \u0000 byte stands in the middle of this text.", "stop"),
)

_WORDINGS: tuple[tuple[str, str], ...] = (
    (" Could you please do the same in other words?", "stop"),
    (" What would a retired baker say of winter tomatoes under glass?", "stop"),
    ("", "stop"),
    (" A wording that breaks off in the", "length"),
    ("", "error"),
)

_INSTANCES: tuple[tuple[str, str], ...] = (
    (" yes\nInput: The lift stopped between two floors, yet nobody complained.", "stop"),
    (" no\nInput: Every seat was taken before the doors were even open.", "stop"),
    (" positive\nInput: I would buy these boots again without thinking.", "stop"),
    (" negative\nInput: The soup arrived cold and the waiter laughed.", "stop"),
    (" true\n(none)", "stop"),
    (" purple elephants on a slow train\nInput: A sentence.", "stop"),
    ("", "stop"),
    (" yes\nInput: It broke off in the", "length"),
    ("", "error"),
)


_TOPICS: tuple[tuple[str, str], ...] = (
    *((f" {what}", "stop") for what in _WHAT),
    (" Chess openings for beginners.", "stop"),
    ("", "stop"),
    ("", "error"),
    (" a topic that goes on and on until nobody", "length"),
)


def proposals() -> list[str]:
    """Return the good proposals: continuations that pass the default recipe after most leads."""
    found = []
    for number in range(107):
        who, what = _WHO[number % len(_WHO)], _WHAT[number % len(_WHAT)]
        how, twist = _HOW[number % len(_HOW)], _TWISTS[(number // 7) % len(_TWISTS)]
        found.append(f" {what} and {who}, {how}{twist}.")
    return found


def write_script(path: Path) -> Path:
    """Write the script to `path` and return it."""
    lines: list[tuple[str, str, str]] = []
    lines += [("*/propose/*", text, "stop") for text in proposals()]
    lines += [("*/propose/*", text, "stop") for text in proposals()[:5]]
    lines += [("*/propose/*", *bad) for bad in _BAD_PROPOSALS]
    lines += [("*/classify/*", " No", "stop")] * 7
    lines += [("*/classify/*", " Yes", "stop")] * 3
    lines += [("*/classify/*", " Maybe", "stop"), ("*/classify/*", "", "error")]
    lines += [("*/input/*", text, "stop") for text in _INPUTS]
    lines += [("*/input/*", *bad) for bad in _BAD_INPUTS]
    lines += [("*/respond/*", text, "stop") for text in _RESPONSES]
    lines += [("*/respond/*", *bad) for bad in _BAD_RESPONSES]
    lines += [("*/instances/*", *reply) for reply in _INSTANCES]
    lines += [("*/topics/*", *reply) for reply in _TOPICS]
    for stage in ("paraphrase", "translate", "back"):
        lines += [(f"*/{stage}/*", *wording) for wording in _WORDINGS]
    rows = [
        {
            "key": key,
            "text": text,
            "finish": finish,
            "error": "scripted fault" if finish == "error" else "",
        }
        for key, text, finish in lines
    ]
    path.write_text(
        "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8"
    )
    return path
