"""Contamination: what overlaps is found with its evidence, and moved without losing a byte."""

import subprocess
import sys
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import pytest
from command import grown
from hypothesis import given, settings
from hypothesis import strategies as st

from selfinstruct.decontaminate import EvaluationSets, Finding, names_of
from selfinstruct.engines import EngineInfo
from selfinstruct.errors import InputError, RunError
from selfinstruct.prompts.files import load_prompts
from selfinstruct.recipe import load_recipe
from selfinstruct.run import Outcome, Run, finished_rows, read_markers
from selfinstruct.run.markers import PENDING
from selfinstruct.run.remove import Evidence, Reason, remove, taken
from selfinstruct.settings import Settings
from selfinstruct.sift import Rejected
from selfinstruct.storage import append_rows
from selfinstruct.tables import TableRow
from selfinstruct.tables.shapes import shaped
from selfinstruct.task import Instance, Origin, Task, new_task, to_json

HERE = Path(__file__).parent
QUESTION = "Which of the seven rivers that leave this lake is the longest?"
ANSWER = (
    "The longest is the northern one, since it turns twice around the old volcano before it "
    "reaches the sea."
)


def task(instruction: str, given: str = "", output: str = "Yes.") -> Task:
    """Return a task with one instance."""
    return new_task(
        instruction,
        origin=Origin(kind="generated", round=1),
        language="en",
        instances=(Instance(input=given, output=output),),
    )


def sets_of(*rows: dict[str, object], ngrams: int = 13, rouge: float = 0.7) -> EvaluationSets:
    """Return an evaluation set of these rows, which are called eval.jsonl:1 and so on."""
    sets = EvaluationSets(ngrams=ngrams, max_similarity=rouge)
    table = [TableRow(Path("eval.jsonl"), number, row) for number, row in enumerate(rows, 1)]
    assert sets.add("eval.jsonl", shaped(table, (), lambda *_: None)) == len(rows)
    return sets


def one(sets: EvaluationSets, wanted: Task) -> Finding | None:
    """Return what is found of one task."""
    return next(sets.findings([wanted]), None)


QA: dict[str, object] = {"question": QUESTION, "answer": ANSWER}


@pytest.mark.parametrize(
    ("wanted", "part"),
    [
        (task(f"Read this and go on: {ANSWER}"), "instruction"),
        (task("Go on with this text.", ANSWER.upper()), "input"),
        (task("Tell me about rivers.", "", f"Well. {ANSWER[:-1]}, they say."), "output"),
        (task("Answer the question.", QUESTION), "input"),
    ],
)
def test_every_text_of_a_task_is_compared_by_words(wanted: Task, part: str) -> None:
    """Instruction, input and output overlap by themselves; a short question does as a whole."""
    found = one(sets_of({"question": "Why?", "answer": "So."}, QA), wanted)
    assert found
    assert found.by == "n-grams"
    assert f" words in a row of eval.jsonl:2 in the {part}: " in found.evidence.detail
    words = "which of the seven" if "question" in wanted.instruction else "the longest is the north"
    assert words in found.evidence.detail
    assert one(sets_of(QA, ngrams=0), wanted) is None


def test_instructions_are_compared_by_rouge_l() -> None:
    """An instruction much like one of an evaluation row overlaps, with that row as the nearest."""
    wanted = task("Which of the seven rivers that leave that lake is the shortest?")
    found = one(sets_of({"question": "Why?", "answer": "So."}, QA), wanted)
    assert found
    assert found.by == "ROUGE-L"
    assert found.evidence.nearest
    assert found.evidence.nearest.id == "eval.jsonl:2"
    score = found.evidence.nearest.score
    assert score == pytest.approx(10 / 12)
    assert found.evidence.detail == f"ROUGE-L {score:.3f} with the instruction of eval.jsonl:2"
    assert one(sets_of(QA, rouge=score), wanted) is None
    assert one(sets_of(QA, rouge=1), wanted) is None


def test_tasks_that_only_look_alike_stay() -> None:
    """The same subject in other words is no overlap, and neither are a few words in a row."""
    assert one(sets_of(QA), task("How long are rivers?", "", ANSWER[:50])) is None


def test_findings_do_not_depend_on_batches() -> None:
    """Of thousands of tasks each is found at its own place."""
    tasks = [task(f"Number {number} of {number}", "", str(number)) for number in range(2500)]
    for place in (0, 1023, 1024, 2499):
        tasks[place] = task(f"Number {place} of all.", "", ANSWER)
    found = list(sets_of(QA).findings(tasks))
    assert [each.number for each in found] == [0, 1023, 1024, 2499]
    assert [each.task for each in found] == [tasks[each.number] for each in found]


def test_long_evidence_is_cut() -> None:
    """Of a long stretch the evidence says how long it is, and quotes the beginning."""
    text = " ".join(f"word{number}" for number in range(500))
    found = one(sets_of({"text": text}), task("Go on.", text))
    assert found
    assert found.evidence.detail.startswith(
        "500 words in a row of eval.jsonl:1 in the input: word0"
    )
    assert found.evidence.detail.endswith("word59 \u2026")


@pytest.mark.parametrize("rouge", [-0.1, 1.1, float("nan")])
def test_impossible_similarity_is_refused(rouge: float) -> None:
    """A similarity is from 0 to 1."""
    with pytest.raises(InputError, match="--max-similarity is"):
        EvaluationSets(max_similarity=rouge)


def test_nothing_to_compare_is_refused() -> None:
    """With both comparisons switched off there is nothing to do."""
    with pytest.raises(InputError, match="compares nothing"):
        EvaluationSets(ngrams=0, max_similarity=1)


def test_files_of_one_name_are_told_apart() -> None:
    """Evidence names a file, or its path where another has the same name."""
    paths = [Path("a/test.jsonl"), Path("b/test.jsonl"), Path("b/other.csv")]
    assert names_of(paths) == ["a/test.jsonl", "b/test.jsonl", "other.csv"]


# --- The move ---------------------------------------------------------------------------------

REASON = Reason("decontaminate", "contaminated")
SETTINGS = Settings(
    seeds_name="none.jsonl",
    seeds=(),
    recipe=load_recipe("default"),
    prompts=load_prompts("en"),
    engine=EngineInfo(model="none"),
    language="en",
)

played = st.lists(
    st.tuples(st.lists(st.booleans(), max_size=4), st.integers(0, 2)), min_size=1, max_size=5
)
"""Rounds: for each task whether it has to go, and how many were refused already."""


def outcomes(rounds: list[tuple[list[bool], int]], *, refuse: bool) -> list[Outcome]:
    """Return what rounds came to; with `refuse`, those that have to go were refused at once."""
    names = count()
    found = []
    for number, (tasks, refusals) in enumerate(rounds, 1):
        outcome = Outcome(round=number, proposed=len(tasks) + refusals, completion_tokens=number)
        for place in range(refusals):
            rule = ("novelty", "zzz")[place]
            outcome.rejected.append(Rejected("propose", rule, "", task(f"bad {next(names)}")))
        for goes in tasks:
            each = task(f"good {next(names)}")
            if goes and refuse:
                outcome.rejected.append(Rejected(*REASON, f"why {each.id}", each))
            else:
                outcome.kept.append(each)
        found.append(outcome)
    return found


def play(folder: Path, several: list[Outcome]) -> dict[str, bytes]:
    """Write a run of these rounds and return its files."""
    with Run(folder, SETTINGS, version="test") as run:
        for outcome in several:
            run.finish(outcome)
    return content(folder)


def content(folder: Path) -> dict[str, bytes]:
    """Return the files of a run but for the lock."""
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.name != ".lock"]
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


@settings(max_examples=25, deadline=None)
@given(played)
def test_moved_tasks_are_as_if_their_rounds_had_refused_them(
    rounds: list[tuple[list[bool], int]],
) -> None:
    """After a move every byte is that of a run which refused these tasks when they came."""
    with TemporaryDirectory() as one_folder, TemporaryDirectory() as other:
        run = Path(one_folder)
        play(run, outcomes(rounds, refuse=False))
        flags = [goes for tasks, _ in rounds for goes in tasks]
        tasks = list(finished_rows(run, "pool", Task))
        gone = {
            place: Evidence(f"why {each.id}")
            for place, (each, goes) in enumerate(zip(tasks, flags, strict=True))
            if goes
        }
        with taken(run) as markers:
            remove(run, markers, gone, REASON)
        assert content(run) == play(Path(other), outcomes(rounds, refuse=True))
        with Run(run, SETTINGS, version="test") as again:
            assert len(again.grown) == flags.count(False)


def test_unfinished_round_begins_anew(tmp_path: Path) -> None:
    """Rows beyond the last marker and journals of that round go with a move; others stay."""
    play(tmp_path, outcomes([([True, False], 1)], refuse=False))
    journals = [tmp_path / "journal" / f"{name}.jsonl" for name in ("0001-propose", "0002-propose")]
    for path in (*journals, tmp_path / "pool.jsonl", tmp_path / "rejected.jsonl"):
        append_rows(path, [{"not": "finished"}])
    with taken(tmp_path) as markers:
        remove(tmp_path, markers, {0: Evidence("why")}, REASON)
    assert [path.exists() for path in journals] == [True, False]
    assert len(list(finished_rows(tmp_path, "pool", Task))) == 1
    assert b"finished" not in (tmp_path / "pool.jsonl").read_bytes()
    assert b"finished" not in (tmp_path / "rejected.jsonl").read_bytes()


def test_half_a_move_is_not_read_and_the_next_run_finishes_it(tmp_path: Path) -> None:
    """Readers refuse a folder in the middle of a move; `Run` finishes it, and drops a draft."""
    several = outcomes([([True, False], 1), ([False], 0)], refuse=False)
    play(tmp_path / "run", several)
    expected = play(tmp_path / "new", outcomes([([True, False], 1), ([False], 0)], refuse=True))
    pending = tmp_path / "run" / PENDING
    (pending / "rounds").mkdir(parents=True)
    for name in ("pool.jsonl", "rejected.jsonl", "rounds/0001.json", "rounds/0002.json"):
        (pending / name).write_bytes(expected[name])
    (tmp_path / "run" / f"{PENDING}.tmp").mkdir()
    (pending / "pool.jsonl").replace(tmp_path / "run" / "pool.jsonl")
    with pytest.raises(RunError, match="tasks are being moved out of") as error:
        read_markers(tmp_path / "run")
    assert "selfinstruct decontaminate" in error.value.hint
    with pytest.raises(RunError, match="tasks are being moved out of"):
        finished_rows(tmp_path / "run", "pool", Task)
    other = msgspec.structs.replace(SETTINGS, seed=7)
    with pytest.raises(RunError, match="other settings"):
        Run(tmp_path / "run", other, version="test")
    assert pending.exists()
    with Run(tmp_path / "run", SETTINGS, version="test") as run:
        assert [each.instruction for each in run.grown] == ["good 2", "good 3"]
    assert content(tmp_path / "run") == expected
    assert not pending.exists()


def test_damaged_run_is_not_touched(tmp_path: Path) -> None:
    """A file that is not what its markers say is refused before anything is written."""
    play(tmp_path, outcomes([([True, False], 1)], refuse=False))
    path = tmp_path / "rejected.jsonl"
    path.write_bytes(path.read_bytes().replace(b"bad 0", b"bad 9"))
    before = content(tmp_path)
    with pytest.raises(RunError, match="was changed after round 1"), taken(tmp_path):
        pass
    assert content(tmp_path) == before


def test_refusals_hold_the_task_as_it_was(tmp_path: Path) -> None:
    """A moved task is a row of rejected.jsonl, whole, with stage, rule and evidence."""
    play(tmp_path, outcomes([([False, True], 0)], refuse=False))
    line = (tmp_path / "pool.jsonl").read_bytes().splitlines()[1]
    with taken(tmp_path) as markers:
        remove(tmp_path, markers, {1: Evidence("why")}, REASON)
    (row,) = finished_rows(tmp_path, "rejected", Rejected)
    assert (row.stage, row.rule, row.detail) == ("decontaminate", "contaminated", "why")
    assert to_json(row.task) == line
    (marker,) = read_markers(tmp_path)
    assert (marker.proposed, marker.accepted, marker.rejected) == (2, 1, {"contaminated": 1})


def test_move_that_is_killed_at_any_event_is_mended(tmp_path: Path) -> None:
    """SIGKILL at each event of a move leaves the old run, or a move that is finished later."""
    run = grown(tmp_path, "--no-export")
    (tmp_path / "work").mkdir()
    command = [sys.executable, str(HERE / "killed_move.py"), str(run), str(tmp_path / "work")]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    before, after = map(int, result.stdout.split())
    assert before > 50
    assert after > 10
