"""`selfinstruct dedup`: the first of each kind of row comes out, the rest is reported."""

import gzip
import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from command import Result, environment, files, refused, run, words

TASKS = [
    ("Name three rivers that flow through Peru.", "", "The Ucayali, the Huallaga and the Tigre."),
    ("Write a haiku about a kettle.", "", "Steam climbs the window"),
    ("Name three rivers that flow through Peru!", "", "The Ucayali, the  Huallaga and the Tigre."),
    ("Name three rivers that flow through Peru.", "", "The Ucayali, the  Huallaga and the Tigre."),
    ("Sort the words.", "pear fig", "fig pear"),
]
EXACT = [1, 2, 3, 5]
"""Lines that --by exact keeps."""
ALIKE = [1, 2, 5]
"""Lines that the other methods keep: punctuation does not count for them."""


def lines_of(rows: list[tuple[str, str, str]], **more: object) -> bytes:
    """Return rows as JSONL with odd white space, which a copy must keep."""
    dicts = [dict(zip(("instruction", "input", "output"), row, strict=True)) for row in rows]
    lines = [json.dumps({**one, **more}, separators=(" ,", ":  ")) for one in dicts]
    return "".join(line + "\n" for line in lines).encode()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return a file with those tasks."""
    target = tmp_path / "rows.jsonl"
    target.write_bytes(lines_of(TASKS))
    return target


def kept(path: Path, numbers: list[int]) -> str:
    """Return the lines with these numbers."""
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    return "".join(lines[number - 1] for number in numbers)


@pytest.mark.parametrize(
    ("more", "numbers"),
    [
        ([], ALIKE),
        (["--by", "minhash", "--threshold", "1"], ALIKE),
        (["--by", "rouge"], ALIKE),
        (["--by", "rouge", "--threshold", "1"], [1, 2, 3, 4, 5]),
        (["--by", "rouge", "--tokens", "rouge-score"], ALIKE),
        (["--by", "exact"], EXACT),
        (["--by", "exact", "--columns", "instruction"], [1, 2, 3, 5]),
        (["--by", "exact", "--columns", "input, output"], [1, 2, 5]),
    ],
)
def test_first_rows_come_out_as_they_are(more: list[str], numbers: list[int], path: Path) -> None:
    """By each method the rows that are kept are the bytes of their lines, in order."""
    result = run("dedup", path, *more)
    assert result.code == 0, result
    assert result.out == kept(path, numbers)
    said = f"read 5 rows: kept {len(numbers)}, dropped {5 - len(numbers)}, blank 0"
    assert said in result.err.splitlines()
    assert files(path.parent) == {"rows.jsonl": lines_of(TASKS)}


@pytest.mark.parametrize("method", ["minhash", "rouge", "exact"])
def test_rows_without_text_are_kept_and_counted(method: str, path: Path) -> None:
    """What has nothing to compare stays, unless an equal line, to the last byte, came before."""
    path.write_bytes(path.read_bytes() + lines_of(TASKS[:1]))
    result = run("dedup", path, "--by", method, "--columns", "input")
    assert result.out == kept(path, [1, 2, 3, 4, 5])
    assert "read 6 rows: kept 5, dropped 1, blank 4" in result.err


def test_what_is_compared_is_said(path: Path) -> None:
    """Without --columns, standard error names the columns that were found, once."""
    err = run("dedup", path, "--by", "exact").err
    assert err.startswith(f"{path}: comparing instruction, input, output of alpaca rows\n")
    (path.parent / "b.jsonl").write_bytes(lines_of(TASKS))
    err = run("dedup", path, path.parent / "b.jsonl", "--by", "exact").err
    assert err.count("comparing") == 1
    err = run("dedup", path, "--by", "rouge").err
    assert f"{path}: comparing instruction of alpaca rows" in err


def report_of(path: Path) -> list[dict[str, Any]]:
    """Return the lines of a report."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_report_names_both_rows(path: Path) -> None:
    """Each dropped row has a line: where it stood, what it is like, and both texts."""
    report = path.parent / "report.jsonl"
    result = run("dedup", path, "--by", "rouge", "--report", report)
    assert result.err.endswith(f"wrote {report} (2 rows)\n")
    assert report_of(report) == [
        {
            "dropped": {"file": str(path), "row": number},
            "kept": {"file": str(path), "row": 1},
            "score": 1.0,
            "by": "rouge",
            "why": "came first",
            "dropped_text": TASKS[number - 1][0],
            "kept_text": TASKS[0][0],
        }
        for number in (3, 4)
    ]


def test_known_rows_are_not_written(path: Path) -> None:
    """What is like a row of --against is dropped, and the report says that it was known."""
    known, report = path.parent / "known.csv", path.parent / "report.jsonl"
    known.write_text("question,answer\nSort the words.,pear fig\nSort the words.,pear fig\n")
    more = ["--by", "exact", "--columns", "instruction"]
    refused(run("dedup", path, *more, "--against", known), "no column 'instruction'")
    known.write_text("instruction\nSort  the words.\nSort the words.\n")
    result = run("dedup", path, *more, "--against", known, "--report", report)
    assert result.out == kept(path, [1, 2, 3])
    assert "read 5 rows: kept 3, dropped 2, blank 0" in result.err
    last = report_of(report)[-1]
    assert last["kept"] == {"file": str(known), "row": 2}
    assert (last["why"], last["kept_text"]) == ("known already", "Sort  the words.")


def test_earlier_files_come_first(path: Path) -> None:
    """Rows of several files are one sequence; each form keeps its own names and numbers."""
    other, report = path.parent / "other.json", path.parent / "report.jsonl"
    rows = [{"question": "q", "answer": "a"}, {"question": TASKS[1][0], "answer": TASKS[1][2]}]
    other.write_text(json.dumps(rows, indent=2), encoding="utf-8")
    result = run("dedup", path, other, "--by", "exact", "--report", report)
    assert result.out == kept(path, EXACT) + '{"question": "q","answer": "a"}\n'
    assert report_of(report)[-1]["dropped"] == {"file": str(other), "row": 2}
    assert report_of(report)[-1]["kept"] == {"file": str(path), "row": 2}


CSV = b'instruction,output\r\n"Say ""hi"".","two\r\nlines"\r\n"Say ""hi"".",two lines\r\nx,y\r\n'


def test_csv_stays_csv(tmp_path: Path) -> None:
    """From CSV alone comes CSV, byte for byte; from CSV and others comes JSONL."""
    path = tmp_path / "a.csv"
    path.write_bytes(CSV)
    done = subprocess.run(
        words("dedup", path, "--by", "exact"), env=environment(), capture_output=True, check=True
    )
    assert done.stdout == CSV.replace(b'"Say ""hi"".",two lines\r\n', b"")
    (tmp_path / "b.jsonl").write_bytes(lines_of(TASKS[4:]))
    result = run("dedup", path, tmp_path / "b.jsonl", "--by", "exact")
    assert [json.loads(line)["output"] for line in result.out.splitlines()] == [
        *("two\r\nlines", "y", "fig pear")
    ]


@pytest.mark.parametrize("name", ["o.jsonl", "o.json", "o.csv", "o.tsv", "o.parquet", "o.jsonl.gz"])
def test_output_has_the_form_of_its_name(name: str, path: Path) -> None:
    """The rows are the same in whatever form they are written, and can be read again."""
    output = path.parent / "deep" / name
    result = run("dedup", path, "--by", "exact", "--output", output)
    assert (result.code, result.out) == (0, "")
    assert result.err.endswith(f"wrote {output} (4 rows)\n")
    assert [one.name for one in output.parent.iterdir()] == [name]
    again = run("dedup", output, "--by", "exact", "--output", path.parent / "again.jsonl")
    assert "read 4 rows: kept 4, dropped 0" in again.err
    rows = (path.parent / "again.jsonl").read_text(encoding="utf-8").splitlines()
    expected = [json.loads(line) for line in kept(path, EXACT).splitlines()]
    assert [json.loads(row) for row in rows] == expected


def test_parquet_stays_parquet(tmp_path: Path) -> None:
    """An output without a suffix has the form of the files; every type survives."""
    frame = pl.DataFrame({"text": ["a", "b", "a"], "n": pl.Series([1, 2, 3], dtype=pl.UInt8)})
    frame.write_parquet(tmp_path / "a.parquet")
    out = tmp_path / "out"
    assert run("dedup", tmp_path / "a.parquet", "--by", "exact", "--output", out).code == 0
    assert pl.read_parquet(out).equals(frame[:2])
    assert pl.read_parquet(out).schema == frame.schema
    result = run("dedup", out, "--by", "exact", "--format", "parquet", "--quiet")
    assert result == (0, '{"text":"a","n":1}\n{"text":"b","n":2}\n', "")


def test_format_says_what_a_file_is(path: Path) -> None:
    """--format wins over the name, for every file."""
    odd = path.rename(path.with_suffix(".csv"))
    result = run("dedup", odd, "--by", "exact", "--format", "jsonl")
    assert result.out == kept(odd, EXACT)


def test_odd_json_survives(tmp_path: Path) -> None:
    """What JSON libraries disagree about is copied: half characters, NaN, a key given twice."""
    odd = b'{"text":"\\ud800","n":NaN}\n{"text":"b","text":"a" , "n":1e999}\n{"text":"\\udfff"}\r\n'
    path = tmp_path / "a.jsonl"
    path.write_bytes(odd + odd)
    out = tmp_path / "out.jsonl"
    report = tmp_path / "report.jsonl"
    for method in ("exact", "minhash", "rouge"):
        result = run("dedup", path, "--by", method, "--output", out, "--report", report)
        assert result.code == 0, result
        assert all(line in odd.splitlines() for line in out.read_bytes().splitlines())
        if method == "exact":
            assert out.read_bytes() == odd
            assert [one["kept_text"] for one in report_of(report)] == ["\ufffd", "a", "\ufffd"]


def test_quiet_prints_rows_only(path: Path) -> None:
    """--quiet leaves standard error empty."""
    assert run("dedup", path, "--by", "exact", "--quiet") == (0, kept(path, EXACT), "")


def test_no_bar_where_there_is_no_terminal(path: Path) -> None:
    """Into a file or a pipe goes no carriage return and no escape sequence."""
    err = run("dedup", path, "--by", "exact").err
    assert "\r" not in err
    assert "\x1b" not in err
    assert len(err.splitlines()) == 2


# --- Refusals ---------------------------------------------------------------------------------


def refused_untouched(result: Result, folder: Path, before: dict[str, bytes], *parts: str) -> None:
    """Check that a command was refused and left every file as it was."""
    refused(result, *parts)
    assert files(folder) == before


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ("--by minhsh", "unknown method 'minhsh'; did you mean 'minhash'?"),
        ("--threshold 1.5", "--threshold is 1.5"),
        ("--threshold nan", "--threshold is nan"),
        ("--by exact --threshold 0.5", "--by exact has no threshold"),
        ("--tokens unicode", "--tokens is for --by rouge, not minhash"),
        ("--threshold 0", "a Jaccard similarity of 0.0"),
        ("--tokens unicod", "unknown tokens 'unicod'; did you mean 'unicode'?"),
        ("--by rouge --model x", "--by rouge needs no model"),
        ("--by semantic", "--by semantic needs --model"),
        ("--by semantic --model ./nope", "no such embedding model: './nope'"),
        ("--by exact --columns instuction", ":1: there is no column 'instuction'; did you mean"),
        ("--columns ,", "--columns names no column"),
        ("--format parket", "unknown format 'parket'; did you mean 'parquet'?"),
        ("--by exact --format csv", "rows.jsonl:1: not csv: "),
        ("--by exact --format parquet", "not a Parquet file"),
        ("--against missing.jsonl --by exact", "cannot read missing.jsonl"),
        ("--against a.txt", "a.txt: the name does not say what the file holds"),
        ("--by exact --output o.parquet.gz", "packed Parquet"),
    ],
)
def test_bad_options_are_named(more: str, says: str, path: Path) -> None:
    """What cannot be used is one line of error and a hint, and no file changes."""
    before = files(path.parent)
    refused_untouched(run("dedup", path, *more.split()), path.parent, before, says)


@pytest.mark.parametrize("option", ["--output", "--report"])
def test_what_is_read_is_not_overwritten(option: str, path: Path) -> None:
    """Dropped rows are nowhere but in their file, so no option writes over one, link or not."""
    (path.parent / "link.jsonl").symlink_to(path.name)
    (path.parent / "known.jsonl").write_bytes(lines_of(TASKS))
    before = files(path.parent)
    for name in ("rows.jsonl", "link.jsonl", "known.jsonl"):
        more: list[str | Path] = [
            option,
            path.parent / name,
            "--against",
            path.parent / "known.jsonl",
        ]
        result = run("dedup", path, "--by", "exact", *more)
        refused_untouched(result, path.parent, before, f"{option} {path.parent / name} is read")


def test_one_file_is_not_given_two_parts(path: Path) -> None:
    """Rows and report do not go into one file, and no file is read twice."""
    same = path.parent / "same.jsonl"
    before = files(path.parent)
    result = run("dedup", path, "--by", "exact", "--output", same, "--report", same)
    refused_untouched(result, path.parent, before, "is written by --output")
    for more in ([path], ["--against", path]):
        result = run("dedup", path, *more)
        refused_untouched(result, path.parent, before, f"{path} is given twice")


@pytest.mark.parametrize("name", ["out.jsonl", "out.csv", "out.parquet", "out.json.gz"])
def test_bad_row_leaves_the_old_output(name: str, path: Path) -> None:
    """A fault in the last row is named with file and line; output and report stay as they were."""
    path.write_bytes(path.read_bytes() + b"{\n")
    out, report = path.parent / name, path.parent / "report.jsonl"
    out.write_bytes(b"old")
    report.write_bytes(b"old")
    before = files(path.parent)
    result = run("dedup", path, "--by", "exact", "--output", out, "--report", report)
    refused_untouched(result, path.parent, before, f"{path}:6: not JSON")
    assert sorted(files(path.parent)) == sorted(one.name for one in path.parent.iterdir())


def test_unknown_columns_are_listed(tmp_path: Path) -> None:
    """A file of a shape that is not known is refused with its columns, and how to name some."""
    path = tmp_path / "a.csv"
    path.write_bytes(b"id,body\n1,x\n")
    refused(run("dedup", path), f"{path}:2: ", "'id', 'body'", "--columns a,b")
    assert run("dedup", path, "--columns", "body", "--by", "exact").out == "id,body\n1,x\n"


def test_cut_archive_is_no_shorter_file(path: Path) -> None:
    """A packed file that is cut short is refused, whatever was printed before."""
    packed = path.with_suffix(".jsonl.gz")
    packed.write_bytes(gzip.compress(path.read_bytes())[:-9])
    refused(run("dedup", packed, "--by", "exact"), "cannot unpack")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no such device here")
def test_full_output_is_named(path: Path) -> None:
    """When standard output cannot take the rows, that is an error with a hint."""
    with Path("/dev/full").open("wb") as out:
        done = subprocess.run(
            words("dedup", path, "--by", "exact", "--quiet"),
            stdout=out,
            stderr=subprocess.PIPE,
            env=environment(),
            check=False,
        )
    assert done.returncode == 2
    assert done.stderr.startswith(b"error: cannot write standard output: No space left")


def test_closed_pipe_is_no_error(path: Path) -> None:
    """When the reader of the rows goes away, the command ends silently."""
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as out:
        done = subprocess.run(
            words("dedup", path, "--by", "exact", "--quiet"),
            stdout=out,
            stderr=subprocess.PIPE,
            env=environment(),
            check=False,
        )
    assert (done.returncode, done.stderr) == (141, b"")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_stopped_command_leaves_nothing(number: int, code: int, tmp_path: Path) -> None:
    """A stop in the middle leaves no output, no report and no half of either."""
    pipe, out = tmp_path / "pipe", tmp_path / "out.jsonl"
    os.mkfifo(pipe)
    given: list[str | Path] = ["--by", "exact", "--format", "jsonl", "--output", out]
    with subprocess.Popen(
        words("dedup", pipe, *given, "--report", tmp_path / "r"),
        stderr=subprocess.PIPE,
        env=environment(),
    ) as process:
        with pipe.open("wb") as rows:
            rows.write(lines_of(TASKS) * 2000)
            rows.flush()
            end = time.monotonic() + 30
            while not (tmp_path / ".out.jsonl.tmp").exists() and time.monotonic() < end:
                time.sleep(0.01)
            process.send_signal(number)
            assert process.wait(timeout=30) == code
        assert process.stderr is not None
        assert b"Traceback" not in process.stderr.read()
    assert [one.name for one in tmp_path.iterdir()] == ["pipe"]
