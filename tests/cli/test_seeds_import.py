"""`selfinstruct seeds import` and `seeds from-dataset`: what is written, said and refused."""

import gzip
import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from command import files, grow_words, refused, run

DATA = Path(__file__).parents[3] / "shared" / "data"

CSV = (
    "\ufeffinstruction,input,output,is_classification\r\n"
    '"Say ""hi"", then\nbreak the line 🎉",,"""hi""\n",no\r\n'
    "请翻译。,你好,hello,0\r\n"
    "请翻译。,谢谢,thanks,0\r\n"
    "请翻译。,谢谢,thanks,0\r\n"
    "Is it warm?,-5,no,yes\r\n"
)
BAD = CSV + "No answer,,,\r\ntoo,few\r\n"


def written(path: Path, content: str) -> Path:
    """Write a text as it stands; return the path."""
    path.write_bytes(content.encode("utf-8", "surrogatepass"))
    return path


def lines(path: Path) -> list[dict[str, Any]]:
    """Return the rows of a JSONL file."""
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def test_a_table_becomes_a_seed_file(tmp_path: Path) -> None:
    """Rows are grouped, what was found is said, and the texts are those of the file."""
    path, out = written(tmp_path / "a.csv", CSV), tmp_path / "seeds.jsonl"
    done = run("seeds", "import", path, "--out", out, "--language", "zh")
    assert done.code == 0, done
    assert f"{path}: alpaca (instruction, input, output, is_classification)\n" in done.err
    assert "equal to an earlier one of the same instruction: 1\n" in done.err
    assert "(3 seeds with 4 instances)" in done.out
    assert "--language zh --recipe zh" in done.out
    first, second, third = lines(out)
    assert first["instruction"] == 'Say "hi", then\nbreak the line 🎉'
    assert first["instances"] == [{"input": "", "output": '"hi"\n'}]
    assert [one["output"] for one in second["instances"]] == ["hello", "thanks"]
    assert [one["is_classification"] for one in (first, second, third)] == [False, False, True]
    assert second["name"] == "a.csv:5"


def test_what_is_written_is_checked_and_grown_from(tmp_path: Path) -> None:
    """`seeds check` finds no fault in it, and `grow` takes it."""
    path, out = written(tmp_path / "a.csv", CSV), tmp_path / "seeds.jsonl"
    assert run("seeds", "import", path, "--out", out).code == 0
    assert "3 good seeds" in run("seeds", "check", out).out
    grown = run(*grow_words(tmp_path, "--seeds", out, "--rounds", "1", "--no-augment"))
    assert grown.code == 0, grown
    assert len(lines(tmp_path / "run" / "seeds.jsonl")) == 3


@pytest.mark.parametrize(
    "name", ["a.jsonl", "a.json", "a.tsv", "a.parquet", "a.xlsx", "a.jsonl.gz"]
)
def test_every_form_gives_the_same_seeds(name: str, tmp_path: Path) -> None:
    """The same rows are the same seeds in whatever form they lie, but for where they stood."""
    plain = tmp_path / "seeds.jsonl"
    assert run("seeds", "import", written(tmp_path / "a.csv", CSV), "--out", plain).code == 0
    path = tmp_path / name
    frame = pl.read_csv(tmp_path / "a.csv", infer_schema=False).fill_null("")
    if name.endswith(".xlsx"):
        frame.write_excel(path)
    elif name.endswith(".parquet"):
        frame.write_parquet(path)
    else:
        rows = frame.rows(named=True)
        texts = {
            "a.json": json.dumps(rows),
            "a.tsv": frame.write_csv(separator="\t"),
        }
        text = texts.get(name, "".join(json.dumps(row) + "\n" for row in rows))
        path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    out = tmp_path / "other.jsonl"
    done = run("seeds", "import", path, "--out", out)
    assert done.code == 0, done
    assert [{**seed, "name": ""} for seed in lines(out)] == [
        {**seed, "name": ""} for seed in lines(plain)
    ]


def test_one_faulty_row_and_nothing_is_written(tmp_path: Path) -> None:
    """Faulty rows are listed with file and row; the hint says how to leave them out."""
    path, out, report = (tmp_path / name for name in ("a.csv", "seeds.jsonl", "faults.jsonl"))
    written(path, BAD)
    done = run("seeds", "import", path, "--out", out, "--report", report)
    refused(done, "2 faulty rows; nothing was written", "--skip-faulty")
    assert f"{path}:9: 'output' is empty\n" in done.err
    assert f"{path}:10: 2 values where the header has 4\n" in done.err
    assert not out.exists()
    empty, short = lines(report)
    assert empty["columns"]["instruction"] == "No answer"
    assert (short["row"], short["raw"]) == (10, "too,few\r\n")
    left = run("seeds", "import", path, "--out", out, "--skip-faulty")
    assert left.code == 0
    assert len(lines(out)) == 3


def test_twenty_faults_are_shown_and_all_reported(tmp_path: Path) -> None:
    """A long list is cut on the screen, not in the report, where half a character is escaped."""
    row = {"instruction": "Q", "output": "half \ud83d"}
    text = "".join(json.dumps(row) + "\n" for _ in range(25))
    path = written(tmp_path / "a.jsonl", text + '{"instruction": "Q", "output": "A"}\n')
    out, report = tmp_path / "seeds.jsonl", tmp_path / "faults.jsonl"
    done = run("seeds", "import", path, "--out", out, "--report", report, "--skip-faulty")
    assert done.code == 0, done
    assert done.err.count(f"{path}:") == 1 + 20
    assert "and 5 more\n" in done.err
    assert [one["columns"] for one in lines(report)] == [row] * 25


def test_rows_that_are_all_faulty_are_refused(tmp_path: Path) -> None:
    """With no good row there is no seed file, also with --skip-faulty."""
    path = written(tmp_path / "a.csv", "instruction,output\nQ,\n")
    refused(
        run("seeds", "import", path, "--out", tmp_path / "o", "--skip-faulty"), "no row is good"
    )
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("a.csv --out a.csv --format csv", "--out a.csv: a seed file is JSONL"),
        ("a.jsonl --out a.jsonl", "--out a.jsonl is read from or written already"),
        ("a.csv --out o --report o", "--report o is read from or written already"),
        ("a.csv --out o.jsonl.gz", "a seed file is JSONL"),
        ("a.csv --out o --columns instruction=instuction,output=output", "did you mean"),
        ("a.csv --out o --columns inst=a", "unknown key in --columns 'inst'"),
        ("a.csv --out o --format xlxs", "unknown format 'xlxs'"),
        ("a.txt --out o", "the name does not say what the file holds"),
        ("missing.csv --out o", "cannot read missing.csv"),
        ("a.csv", "missing option '--out'"),
        ("a.csv --out o --limit 0", "0 is not in the range"),
    ],
)
def test_wrong_words_are_refused(words: str, says: str, tmp_path: Path) -> None:
    """What cannot be is an error with a hint, and no file is written or changed."""
    for name in ("a.csv", "a.txt"):
        written(tmp_path / name, CSV)
    written(tmp_path / "a.jsonl", '{"instruction": "Q", "output": "A"}\n')
    before = files(tmp_path)
    refused(run("seeds", "import", *words.split(), cwd=tmp_path), says)
    assert files(tmp_path) == before


def test_bytes_are_the_same_for_any_hash_seed(tmp_path: Path) -> None:
    """What is written does not depend on PYTHONHASHSEED."""
    path, texts = written(tmp_path / "a.csv", CSV), written(tmp_path / "b.csv", LABELLED)
    for number in ("1", "2"):
        env = {"PYTHONHASHSEED": number}
        out = tmp_path / f"{number}.jsonl"
        assert run("seeds", "import", path, "--out", out, env=env).code == 0
        out = tmp_path / f"labelled-{number}.jsonl"
        assert run("seeds", "from-dataset", texts, "--out", out, *NAMES, env=env).code == 0
    assert (tmp_path / "1.jsonl").read_bytes() == (tmp_path / "2.jsonl").read_bytes()
    first, second = (tmp_path / f"labelled-{number}.jsonl" for number in "12")
    assert first.read_bytes() == second.read_bytes()


# --- Texts with labels --------------------------------------------------------------------------

PAIRS = [(f"The {thing} was {word}.", label) for thing in ("film", "soup", "play", "lamp", "book")
         for word, label in (("warm", 1), ("dull", 0), ("a joy", 1), ("late", 0))]  # fmt: skip
LABELLED = "Review,Sentiment\n" + "".join(f"{text},{label}\n" for text, label in PAIRS)
NAMES = ("--labels", "0=negative,1=positive")


def test_labelled_texts_become_tasks(tmp_path: Path) -> None:
    """Each wording names the labels and has texts of its own, which `seeds check` accepts."""
    path, out = written(tmp_path / "reviews.csv", LABELLED), tmp_path / "seeds.jsonl"
    more = ("--task", "the mood of the review", "--tasks", "5", "--instances", "4")
    done = run("seeds", "from-dataset", path, "--out", out, *NAMES, *more)
    assert done.code == 0, done
    assert "texts from 'Review', labels from 'Sentiment'\n" in done.err
    assert "texts by label: negative 10, positive 10\n" in done.err
    assert "note" not in done.err
    made = lines(out)
    assert [one["id"] for one in made] == [f"reviews-en-task-0{n}" for n in range(1, 6)]
    for one in made:
        assert "the mood of the review" in one["instruction"]
        assert (
            sorted(each["output"] for each in one["instances"])
            == ["negative"] * 2 + ["positive"] * 2
        )
    shown = [each["input"] for one in made for each in one["instances"]]
    assert len(set(shown)) == len(shown) == 20
    names = {text: ("negative", "positive")[label] for text, label in PAIRS}
    assert all(names[each["input"]] == each["output"] for one in made for each in one["instances"])
    assert "5 good seeds (0 generation, 5 classification" in run("seeds", "check", out).out


def test_the_order_and_the_form_of_a_dataset_are_nothing_to_its_tasks(tmp_path: Path) -> None:
    """The same rows from the end, in Parquet, give the same bytes."""
    path = written(tmp_path / "a.csv", LABELLED)
    other = tmp_path / "a.parquet"
    pl.DataFrame(PAIRS[::-1], schema=["text", "label"], orient="row").write_parquet(other)
    for source, out in ((path, "1"), (other, "2")):
        assert run("seeds", "from-dataset", source, "--out", tmp_path / out, *NAMES).code == 0
    assert (tmp_path / "1").read_bytes() == (tmp_path / "2").read_bytes()


def test_too_few_texts_are_told(tmp_path: Path) -> None:
    """Where texts stand in several tasks, and a label has one alone, a note says so."""
    path = written(tmp_path / "a.csv", LABELLED + "odd one,2\n")
    out = tmp_path / "seeds.jsonl"
    done = run("seeds", "from-dataset", path, "--out", out, "--keep-numbers")
    assert done.code == 0
    assert "note: only one row has the label '2'" in done.err
    assert "'0' has 10 texts where" in done.err


def test_chinese_tasks(tmp_path: Path) -> None:
    """Instructions are in the language asked for, and so is what to type next."""
    path = written(
        tmp_path / "a.csv", "内容,标签\n很好吃,好评\n太咸了,差评\n还不错,好评\n上菜慢,差评\n"
    )
    out = tmp_path / "seeds.jsonl"
    done = run("seeds", "from-dataset", path, "--out", out, "--language", "zh", "--tasks", "1")
    assert "--language zh --recipe zh" in done.out
    (task,) = lines(out)
    assert task["instruction"] == "阅读下面的文本，从好评、差评中选出合适的标签。"
    assert task["language"] == "zh"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("", "labels are numbers: 0, 1"),
        ("--labels 0=a", "labels are numbers: 1"),
        ("--labels 0=a,1=b,2=c", "unknown label in --labels '2'"),
        ("--labels 0", "'0' is no label with its name"),
        ("--labels 0=a,0=b", "is given twice"),
        ("--keep-numbers --tasks 11", "there are 10 wordings"),
        ("--keep-numbers --language fr", "unknown language 'fr'"),
        ("--keep-numbers --text Revew", "did you mean 'Review'"),
        ("--label Review", "cannot tell which column has the text"),
    ],
)
def test_wrong_words_for_a_dataset_are_refused(words: str, says: str, tmp_path: Path) -> None:
    """What cannot be is an error with a hint, and nothing is written."""
    path = written(tmp_path / "a.csv", LABELLED)
    refused(run("seeds", "from-dataset", path, "--out", tmp_path / "o", *words.split()), says)
    assert list(tmp_path.iterdir()) == [path]


# --- Real files ---------------------------------------------------------------------------------


@pytest.mark.skipif(not DATA.is_dir(), reason="real datasets lie in ../shared/data, not here")
@pytest.mark.parametrize(
    ("name", "more", "seeds", "faulty"),
    [
        ("alpaca_en.jsonl.gz", ["--skip-faulty"], 51_974, 28),
        ("alpaca_en.jsonl.gz", ["--limit", "200"], 200, 0),
        ("belle_zh_seeds.jsonl", ["--language", "zh"], 175, 0),
        ("reference_seeds.jsonl", [], 175, 0),
    ],
)
def test_real_files(name: str, more: list[str], seeds: int, faulty: int, tmp_path: Path) -> None:
    """Datasets as they are published become seeds that have no fault."""
    out = tmp_path / "seeds.jsonl"
    done = run("seeds", "import", DATA / name, "--out", out, *more)
    assert done.code == 0, done
    assert f"{faulty} faulty" in done.err
    assert f"{seeds} good seeds" in run("seeds", "check", out).out
