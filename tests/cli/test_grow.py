"""`selfinstruct grow`: options, configuration, what is printed, and what its numbers add up to."""

import json
import re
from collections import Counter
from pathlib import Path

import pytest
from command import files, grow_words, grown, run

from selfinstruct.run import Marker, read_markers
from selfinstruct.sift import Rejected
from selfinstruct.storage import read_rows
from selfinstruct.task import Task


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder that holds a script and a finished run of two rounds."""
    folder = tmp_path_factory.mktemp("base")
    grown(folder)
    return folder


def rows_of(folder: Path) -> tuple[list[Marker], list[Task], list[Rejected]]:
    """Return markers, grown tasks and refusals of a run."""
    return (
        read_markers(folder),
        list(read_rows(folder / "pool.jsonl", Task)),
        list(read_rows(folder / "rejected.jsonl", Rejected)),
    )


def test_run_ends_with_files_table_and_next_step(tmp_path: Path) -> None:
    """A run leaves its exports, prints a table, and says how to look and how to go on."""
    command = grow_words(tmp_path)
    result = run(*command)
    assert result.code == 0
    assert f"wrote {tmp_path / 'run' / 'export' / 'flan'} (" in result.out
    assert f"wrote {tmp_path / 'run' / 'export' / 'alpaca'} (" in result.out
    assert f"selfinstruct show {tmp_path / 'run'}" in result.out
    assert "--rounds 7" in result.out
    assert "round 2: " in result.err


def test_table_adds_up_with_the_files(tmp_path: Path) -> None:
    """Every proposal is accepted or refused, and table, markers and files say the same numbers."""
    result = run(*grow_words(tmp_path))
    markers, pool, refused = rows_of(tmp_path / "run")
    lines = [re.split(r"\s{2,}", line.strip()) for line in result.out.splitlines()[1:4]]
    assert [line[0] for line in lines] == ["1", "2", "all"]
    for line, marker in zip(lines, markers, strict=False):
        of_round = [row for row in refused if row.task.origin.round == marker.round]
        assert int(line[1]) == marker.proposed == marker.accepted + len(of_round)
        assert int(line[2]) == marker.accepted
        assert marker.accepted == sum(task.origin.round == marker.round for task in pool)
        assert marker.rejected == Counter(row.rule for row in of_round)
        assert int(line[3].replace(",", "")) == marker.completion_tokens
    total = lines[-1]
    assert [int(cell) for cell in total[1:3]] == [len(pool) + len(refused), len(pool)]
    said = {name: int(number) for name, number in re.findall(r"([a-z_]+) (\d+)", total[-1])}
    assert said == Counter(row.rule for row in refused)


def test_every_stage_refuses_something(tmp_path: Path) -> None:
    """The script that tests use reaches every stage with good and bad replies."""
    _, pool, refused = rows_of(grown(tmp_path, "--rounds", "5", "--prompts-per-round", "40"))
    stages = {row.stage for row in refused}
    assert stages == {"propose", "classify", "input", "respond", "instances"}
    assert len({row.rule for row in refused}) > 10
    assert any(task.is_classification for task in pool)
    assert any(task.instances[0].input for task in pool)


def test_rerun_of_a_finished_run_says_so_and_changes_nothing(base: Path) -> None:
    """The same command again asks the model nothing, and every file keeps its bytes."""
    before = files(base / "run")
    result = run(*grow_words(base))
    assert result.code == 0
    assert "nothing to do: 2 rounds and " in result.err
    assert "round 3" not in result.err
    assert files(base / "run") == before


def test_more_rounds_go_on_where_a_run_ended(tmp_path: Path) -> None:
    """Two rounds and then one more are the same bytes as three."""
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    run(*grow_words(tmp_path / "a"))
    assert "going on after round 2" in run(*grow_words(tmp_path / "a", "--rounds", "3")).err
    run(*grow_words(tmp_path / "b", "--rounds", "3"))
    assert files(tmp_path / "a" / "run") == files(tmp_path / "b" / "run")


def test_a_run_keeps_the_licence_it_was_begun_with(tmp_path: Path) -> None:
    """A model card that says another licence when a run goes on, or none, does not stop it."""
    run(*grow_words(tmp_path, "--model-licence", "MIT"))
    result = run(*grow_words(tmp_path, "--rounds", "3"))
    assert result.code == 0, result.err
    _, pool, _ = rows_of(tmp_path / "run")
    assert {task.origin.licence for task in pool} == {"MIT"}


def test_no_rounds_make_a_run_without_tasks(tmp_path: Path) -> None:
    """Zero rounds freeze the settings and export nothing, without a fault."""
    result = run(*grow_words(tmp_path, "--rounds", "0"))
    assert result.code == 0
    assert "flan (0 rows)" in result.out
    assert files(tmp_path / "run")["export/flan/train.jsonl"] == b""


def test_target_stops_after_the_round_that_reaches_it(tmp_path: Path) -> None:
    """A target alone plays as many rounds as it needs, and no more."""
    words = grow_words(tmp_path, "--target", "15")
    place = words.index("--rounds")
    result = run(*words[:place], *words[place + 2 :])
    assert result.code == 0
    markers, pool, _ = rows_of(tmp_path / "run")
    assert len(pool) >= 15 > len(pool) - markers[-1].accepted


def test_target_is_bounded_by_rounds(tmp_path: Path) -> None:
    """With both, the run ends at whichever comes first."""
    assert run(*grow_words(tmp_path, "--target", "1000", "--rounds", "1")).code == 0
    assert len(read_markers(tmp_path / "run")) == 1
    run(*grow_words(tmp_path, "--target", "1", "--rounds", "5"))
    assert len(read_markers(tmp_path / "run")) == 1


def test_target_that_nothing_comes_near_is_given_up(tmp_path: Path) -> None:
    """A model that never says anything usable does not keep a run going for ever."""
    script = tmp_path / "script.jsonl"
    script.write_text('{"text": ""}\n', encoding="utf-8")
    words = grow_words(tmp_path, "--target", "5")
    place = words.index("--rounds")
    result = run(*words[:place], *words[place + 2 :])
    assert result.code == 1
    assert "gave up at 0 of 5 tasks" in result.err
    markers, pool, _ = rows_of(tmp_path / "run")
    assert (len(markers), pool) == (3, [])


def test_quiet_prints_nothing(tmp_path: Path) -> None:
    """--quiet leaves both streams empty, and the files are the same."""
    result = run(*grow_words(tmp_path, "--quiet"))
    assert result == (0, "", "")
    assert (tmp_path / "run" / "export" / "flan" / "train.jsonl").stat().st_size > 0


def test_log_json_prints_one_object_a_line(tmp_path: Path) -> None:
    """--log-json writes JSON lines to standard output, from stages to the end, and no table."""
    result = run(*grow_words(tmp_path, "--log-json", "--prompts-per-round", "40"))
    assert result.code == 0
    events = [json.loads(line) for line in result.out.splitlines()]
    assert {event["event"] for event in events} == {"stage", "error", "round", "end"}
    markers, pool, _ = rows_of(tmp_path / "run")
    rounds = [event for event in events if event["event"] == "round"]
    assert [event["accepted"] for event in rounds] == [marker.accepted for marker in markers]
    end = events[-1]
    assert (end["event"], end["rounds"], end["accepted"]) == ("end", 2, len(pool))
    flan, alpaca = end["exports"].values()
    assert flan > alpaca == len(pool)  # some rows are there a second time, inverted
    assert result.err == ""


def test_no_bars_where_there_is_no_terminal(base: Path, tmp_path: Path) -> None:
    """Into a file or a pipe goes no carriage return and no escape sequence."""
    (tmp_path / "script.jsonl").write_bytes((base / "script.jsonl").read_bytes())
    result = run(*grow_words(tmp_path))
    assert "\r" not in result.err + result.out
    assert "\x1b" not in result.err + result.out
    told = [line for line in result.err.splitlines() if "failed; the first: " not in line]
    assert len(told) == 3


@pytest.mark.parametrize("bound", [1, 79, 80, 500, 1500])
def test_token_bound_holds_and_is_named(bound: int, tmp_path: Path) -> None:
    """No round generates more tokens than allowed; what is not asked for is refused as budget."""
    folder = grown(tmp_path, "--max-tokens-per-round", str(bound), "--no-augment")
    markers, pool, refused = rows_of(folder)
    assert all(marker.completion_tokens <= bound for marker in markers)
    over = [row for row in refused if row.rule == "budget"]
    assert over
    assert all("budget" in row.detail for row in over)
    assert sum(marker.proposed for marker in markers) == len(pool) + len(refused)
    journal = folder / "journal" / "0001-propose.jsonl"
    asked = journal.read_bytes().count(b"\n") if journal.exists() else 0
    assert asked == min(12, bound // 80)


def test_no_export_leaves_no_export(tmp_path: Path) -> None:
    """--no-export writes the run and nothing more."""
    folder = grown(tmp_path, "--no-export")
    assert not (folder / "export").exists()


def test_chosen_exports_alone_are_written(tmp_path: Path) -> None:
    """--export takes names with commas, spaces allowed."""
    folder = grown(tmp_path, "--export", " alpaca ")
    assert sorted(path.name for path in (folder / "export").iterdir()) == [
        "README.md",
        "alpaca",
        "dataset_info.json",
        "manifest.json",
    ]


def test_config_gives_defaults_and_flags_win(tmp_path: Path) -> None:
    """A TOML file holds any option by its name; the command line goes before it."""
    words = grow_words(tmp_path)
    config = tmp_path / "grow.toml"
    config.write_bytes(
        b"\xef\xbb\xbfrounds = 3\r\nseed = 5\r\nprompts-per-round = 6\r\nno_export = true\r\n"
        b'export = ["alpaca", "flan"]\r\nquiet = true\r\n'
        + f"engine = {json.dumps(words[2])}\nout = {json.dumps(words[4])}\n".encode()
    )
    assert run("grow", "--rounds", "1", "--config", config) == (0, "", "")
    markers, _, _ = rows_of(tmp_path / "run")
    assert len(markers) == 1
    frozen = (tmp_path / "run" / "run.toml").read_text(encoding="utf-8")
    assert 'seed = "5"' in frozen
    assert 'prompts-per-round = "6"' in frozen
    assert not (tmp_path / "run" / "export").exists()


def test_origin_of_a_grown_task_can_be_followed(base: Path) -> None:
    """Each grown task names its round, its prompt in the journal, its parents and its model."""
    markers, pool, _ = rows_of(base / "run")
    known = {task.id for task in read_rows(base / "run" / "seeds.jsonl", Task)}
    known |= {task.id for task in pool}
    for task in pool:
        assert task.origin.kind == "generated"
        assert 1 <= task.origin.round <= len(markers)
        assert task.origin.model == "scripted"
        assert task.origin.licence == "CC0-1.0"
        assert set(task.origin.parents) <= known
        key = task.origin.prompt.partition("#")[0]
        journal = base / "run" / "journal" / f"{task.origin.round:04d}-propose.jsonl"
        assert f'"key":"{key}"' in journal.read_text(encoding="utf-8")


def test_seeds_licence_is_recorded(tmp_path: Path) -> None:
    """The licence of one's own seeds is kept with each of them."""
    path = tmp_path / "mine.jsonl"
    row = {"instruction": "Name a river.", "is_classification": False}
    path.write_text(json.dumps({**row, "instances": [{"input": "", "output": "Ob"}]}) + "\n")
    folder = grown(tmp_path, "--seeds", str(path), "--seeds-licence", "CC-BY-4.0", "--rounds", "1")
    (seed,) = read_rows(folder / "seeds.jsonl", Task)
    assert (seed.origin.licence, seed.origin.source) == ("CC-BY-4.0", "mine.jsonl#1")


def test_help_names_every_command_and_option() -> None:
    """Help is there for the program and for each command, with exit code 0."""
    shown = run("--help")
    assert shown.code == 0
    for name in ("grow", "export", "show", "seeds"):
        assert name in shown.out
        assert run(name, "--help").code == 0
