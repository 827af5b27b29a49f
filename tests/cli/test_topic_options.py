"""`selfinstruct grow` told what to grow: topics, quotas, and an end when little is new."""

import json
import re
from collections import Counter
from pathlib import Path

import pytest
from command import files, grow_words, refused, run

from selfinstruct.run import read_markers
from selfinstruct.storage import read_rows
from selfinstruct.task import Task
from selfinstruct.topics import Topic


def steered_words(folder: Path, text: str, *more: str | Path) -> list[str]:
    """Return the words that grow a scripted run with a topic file, without a number of rounds."""
    path = folder / "topics.txt"
    path.write_text(text, encoding="utf-8")
    words = grow_words(folder, "--topics", path)
    place = words.index("--rounds")
    return [*words[:place], *words[place + 2 :], *map(str, more)]


def categories(folder: Path) -> Counter[str]:
    """Return how many grown tasks of a run each category has."""
    return Counter(task.category for task in read_rows(folder / "run" / "pool.jsonl", Task))


def test_quotas_end_a_run_and_its_last_lines_count_topics(tmp_path: Path) -> None:
    """Without --rounds a run with quotas plays until each is full, and says so each time."""
    words = steered_words(tmp_path, "owls\t4\nold clocks\t3\n")
    result = run(*words)
    assert result.code == 0, result
    assert categories(tmp_path) == {"owls": 4, "old clocks": 3}
    assert "2 topics: old clocks 3 of 3, owls 4 of 4\nevery topic has its quota\n" in result.out
    before = files(tmp_path / "run")
    assert "\ntopics:  owls 4, old clocks 3\n" in run("show", tmp_path / "run").out
    again = run(*words)
    assert "nothing to do" in again.err
    assert "every topic has its quota" in again.out
    assert files(tmp_path / "run") == before


def test_topics_without_quotas_leave_the_rounds_as_they_are(tmp_path: Path) -> None:
    """Without a quota for each topic the number of rounds decides, and topics stay balanced."""
    result = run(*steered_words(tmp_path, "owls\t3\nrivers\nsongs\n"))
    assert result.code == 0, result
    assert len(read_markers(tmp_path / "run")) == 5
    counts = categories(tmp_path)
    assert counts["owls"] <= 3
    assert counts["rivers"] + counts["songs"] > 10
    assert abs(counts["rivers"] - counts["songs"]) <= 6
    assert "every topic" not in result.out
    assert re.search(r"^3 topics: owls \d of 3, ", result.out, flags=re.MULTILINE)


def test_quotas_that_nothing_comes_near_are_given_up(tmp_path: Path) -> None:
    """A model that says nothing usable ends a run for quotas with exit code 1 and the count."""
    script = tmp_path / "script.jsonl"
    script.write_text('{"text": ""}\n', encoding="utf-8")
    words = steered_words(tmp_path, "owls\t4\nold clocks\t3\n")
    refused(run(*words), "gave up at 0 of 7 tasks: 3 rounds in a row accepted nothing", code=1)


def test_written_topics_are_shown_and_may_be_too_few(tmp_path: Path) -> None:
    """The topics that the model wrote are counted at the end; where there are fewer, that too."""
    script = tmp_path / "script.jsonl"
    grow_words(tmp_path)
    lines = [line for line in script.read_text().splitlines() if "*/topics/*" not in line]
    lines += [json.dumps({"key": "*/topics/*", "text": name}) for name in (" Owls", " old clocks")]
    script.write_text("\n".join(lines) + "\n", encoding="utf-8")
    result = run(*grow_words(tmp_path, "--generate-topics", "3"))
    assert result.code == 0, result
    names = [topic.name for topic in read_rows(tmp_path / "run" / "topics.jsonl", Topic)]
    assert sorted(names) == ["Owls", "old clocks"]
    assert "\nthe model wrote 2 different topics of 3\n" in result.out
    assert set(categories(tmp_path)) <= set(names)
    assert "round 0" not in result.err


def test_a_run_says_that_too_little_was_new(tmp_path: Path) -> None:
    """The line has the numbers, the round and the share; another try of the command repeats it."""
    words = grow_words(tmp_path, "--rounds", "9", "--stop-when-novelty-below", "0.9")
    result = run(*words)
    assert result.code == 0, result
    done = len(read_markers(tmp_path / "run"))
    said = re.search(
        r"^stopped: (\d+) of (\d+) drafts were new in round (\d+) "
        r"\((0\.\d+)\), which is below 0.9$",
        result.out,
        flags=re.MULTILINE,
    )
    assert said
    new, judged, number = (int(said[place]) for place in (1, 2, 3))
    assert number == done < 9
    assert float(said[4]) == round(new / judged, 3) < 0.9
    assert "Go on:" not in result.out
    again = run(*words)
    assert "nothing to do" in again.err
    assert said[0] in again.out


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("owls\nold clocks\tthree\n", ":2: the quota is 'three'"),
        ("# none\n", " holds no topic"),
        ("owls\nOwls\n", ":2: the topic 'Owls' stands in line 1 already"),
    ],
)
def test_bad_topics_are_refused(text: str, says: str, tmp_path: Path) -> None:
    """A topic file with a fault is refused with file and line, before a run begins."""
    words = steered_words(tmp_path, text)
    refused(run(*words), f"{tmp_path / 'topics.txt'}{says}")
    assert not (tmp_path / "run").exists()


def test_topics_come_from_one_place(tmp_path: Path) -> None:
    """A file and a model that writes topics are two answers, and no file is none."""
    words = steered_words(tmp_path, "owls\n", "--generate-topics", "3")
    refused(run(*words), "--topics", "--generate-topics")
    (tmp_path / "topics.txt").unlink()
    refused(run(*words[:-2]), "cannot read", "topics.txt")


@pytest.mark.parametrize("share", ["1.5", "-0.1", "half"])
def test_a_share_is_between_0_and_1(share: str, tmp_path: Path) -> None:
    """Another share is refused by name."""
    result = run(*grow_words(tmp_path, "--stop-when-novelty-below", share))
    assert result.code == 2
    assert "--stop-when-novelty-below" in result.err


def test_config_holds_topics_and_the_share(tmp_path: Path) -> None:
    """Both are settings of a configuration file, the share as a number."""
    words = grow_words(tmp_path)
    config = tmp_path / "grow.toml"
    (tmp_path / "topics.txt").write_text("owls\n", encoding="utf-8")
    topics = json.dumps(str(tmp_path / "topics.txt"))
    config.write_text(f"topics = {topics}\nstop-when-novelty-below = 0.99\n", encoding="utf-8")
    result = run(*words, "--rounds", "9", "--config", config)
    assert result.code == 0, result
    assert set(categories(tmp_path)) == {"owls"}
    assert "which is below 0.99" in result.out
    config.write_text('stop-when-novelty-below = "0.5"\n', encoding="utf-8")
    refused(run(*words, "--config", config), "'0.5', expected a number such as 0.5")
