"""The promise: bad input gives one line of error, a hint and exit code 2, and nothing is lost."""

import json
import os
import resource
import signal
import stat
import subprocess
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from command import Result, copied, environment, files, grow_words, grown, refused, run, words
from filelock import FileLock
from script import write_script

from selfinstruct.engines import EngineInfo
from selfinstruct.errors import RunError
from selfinstruct.prompts.files import load_prompts
from selfinstruct.recipe import load_recipe
from selfinstruct.resources import prompts_dir, recipe_file, seeds_file
from selfinstruct.run import Run
from selfinstruct.seeds import load_seeds
from selfinstruct.settings import Settings

SEED = (
    b'{"instruction": "Name a river in Peru.", "is_classification": false, '
    b'"instances": [{"input": "", "output": "The Ucayali."}]}\n'
)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder that holds a script and a finished run; tests do not change it."""
    folder = tmp_path_factory.mktemp("base")
    grown(folder)
    return folder


@pytest.fixture
def copy(base: Path, tmp_path: Path) -> Path:
    """Return a copy of that run, to be damaged."""
    return copied(base, tmp_path) / "run"


# --- Words ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("grwo", "unknown command 'grwo'; did you mean 'grow'?"),
        ("seeds chek x", "Did you mean 'check'?"),
        ("grow --rouns 3", "unknown option '--rouns'; did you mean '--rounds'?"),
        ("show x --reject all", "unknown option '--reject'; did you mean '--rejected'?"),
        ("--verson", "unknown option '--verson'; did you mean '--version'?"),
        ("grow --rounds many", "'many' is not a valid integer"),
        ("grow --rounds -1", "-1 is not in the range"),
        ("grow --target 0", "0 is not in the range"),
        ("grow --rounds", "--rounds"),
        ("grow more", "unexpected extra argument"),
        ("show", "missing argument 'RUN'"),
        ("export x", "missing option '--format'"),
        ("seeds check", "missing argument 'FILES...'"),
        ("grow --engine lamacpp:x", "unknown engine 'lamacpp'; did you mean 'llamacpp'?"),
        ("grow --engine scripted", "the engine 'scripted' names no model"),
        ("grow --engine scripted:", "the engine 'scripted:' names no model"),
        ("grow --recipe defualt", "unknown recipe 'defualt'; did you mean 'default'?"),
        ("grow --language eng", "unknown language 'eng'; did you mean 'en'?"),
        ("grow --language ../en", "unknown language '../en'"),
        ("grow --export flan,alpca", "unknown export format 'alpca'; did you mean 'alpaca'?"),
    ],
)
def test_unknown_words_are_refused_with_the_closest(given: str, says: str, tmp_path: Path) -> None:
    """A misspelt command, option or value is an error that suggests the one that was meant."""
    refused(run(*given.split(), cwd=tmp_path), says)
    assert list(tmp_path.iterdir()) == []


def test_unknown_export_format_of_a_run(base: Path) -> None:
    """`export` suggests the closest format, and writes nothing."""
    before = files(base)
    refused(run("export", base / "run", "--format", "flam"), "did you mean 'flan'?", "known: ")
    assert files(base) == before


# --- Seeds ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "place"),
    [
        (SEED + b'{"instruction": "broken\n', ":2: not JSON"),
        (SEED + b"\n", ":2: the line is empty"),
        (SEED + SEED, ":2: the same instruction as line 1"),
        (SEED.replace(b"false", b'"no"'), ":1: Expected `bool`, got `str`"),
        (SEED.replace(b"instances", b"instance"), ":1: the seed contains unknown field `instance`"),
        (SEED + b'{"instruction": "x"}\n', ":2: the seed missing required field"),
        (SEED + b"\xff\xfe\n", ":2: not UTF-8"),
        (SEED[:-1] + b"\0\n", ":1: the line holds a NUL byte"),
        (b'{"instruction": "' + b"x" * 10_000_000 + b'"}\n' + SEED, ":1: the line is longer"),
        (b"", ": the file is empty"),
    ],
    ids=range(10),
)
def test_bad_seeds_are_refused_with_their_line(content: bytes, place: str, tmp_path: Path) -> None:
    """`grow` and `seeds check` name file and line of a bad seed; no run folder is begun."""
    path = tmp_path / "seeds.jsonl"
    path.write_bytes(content)
    refused(run("grow", "--seeds", path, cwd=tmp_path), f"{path}{place}", "seeds check")
    checked = refused(run("seeds", "check", path), "1 fault")
    assert f"{path}{place}" in checked.out
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", [".", "missing", "file/below"])
@pytest.mark.parametrize(
    "option", ["--seeds", "--config", "--prompts", "--recipe=x/", "--engine=scripted:", "--fork"]
)
def test_what_cannot_be_read_is_refused_by_name(name: str, option: str, tmp_path: Path) -> None:
    """A folder given as a file, a missing file and a path below a file are named in the error."""
    (tmp_path / "file").write_bytes(b"x")
    path = tmp_path / name
    option = option.removesuffix("x/")
    given = [f"{option}{path}"] if "=" in option else [option, str(path)]
    script = write_script(tmp_path / "script.jsonl")
    engine = [] if "engine" in option else ["--engine", f"scripted:{script}"]
    refused(run("grow", *engine, *given, "--out", tmp_path / "out"), str(path))
    assert not (tmp_path / "out" / "run.toml").exists()


# --- Configuration, recipe, prompts, script ---------------------------------------------------


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("rouns = 3", "unknown setting in {path} 'rouns'; did you mean 'rounds'?"),
        ("help = true", "unknown setting in {path} 'help'"),
        ('engine-arg = "a=b"', "{path}: engine-arg is 'a=b', expected a list of texts"),
        ("engine-arg = [1]", "{path}: engine-arg is [1], expected a list of texts"),
        ('engine-arg = ["x=1"]', "unknown argument of the engine llamacpp 'x'"),
        ('config = "x.toml"', "unknown setting in {path} 'config'"),
        ('rounds = "three"', "{path}: rounds is 'three', expected a whole number"),
        ("rounds = 2.5", "{path}: rounds is 2.5, expected a whole number"),
        ("rounds = true", "{path}: rounds is True, expected a whole number"),
        ("rounds = -1", "{path}: rounds: -1 is not in the range"),
        ("rounds = [1]", "{path}: rounds is [1], expected a whole number"),
        ("engine = 3", "{path}: engine is 3, expected a text"),
        ("out = 1979-05-27", "{path}: out is "),
        ("quiet = 'yes'", "{path}: quiet is 'yes', expected true or false"),
        ("[grow]\nrounds = 3", "unknown setting in {path} 'grow'"),
        ("export = ['flan', 'alpca']", "did you mean 'alpaca'?"),
        ("rounds: 3", "{path}: not TOML: "),
        ("rounds = 3\nrounds = 4", "{path}: not TOML: "),
    ],
)
def test_bad_config_is_refused(content: str, says: str, tmp_path: Path) -> None:
    """A configuration file is held to names, types and ranges of the options, by name."""
    path = tmp_path / "grow.toml"
    path.write_text(content, encoding="utf-8")
    refused(run("grow", "--config", path, cwd=tmp_path), says.format(path=path))
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("[propose]", "[propose", "not TOML"),
        ("max_words", "max_word", "unknown field `max_word`"),
        ("in_context = 8", 'in_context = "8"', "$.propose.in_context"),
        ("max_similarity = 0.7", "", "missing required field `max_similarity`"),
        ('kind = "word_count"', 'kind = "word_cuont"', "did you mean 'word_count'?"),
        ("words/en-leads.txt", "words/en-lead.txt", "did you mean 'words/en-leads.txt'?"),
        ('{ file = "words/en-refusals.txt" }', "['(']", "not a regular expression"),
    ],
)
def test_bad_recipe_is_refused(old: str, new: str, says: str, tmp_path: Path) -> None:
    """A recipe with a fault is refused with its path, the place, and the closest name."""
    text = recipe_file("default").read_text(encoding="utf-8")
    path = tmp_path / "my.toml"
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    refused(run("grow", "--recipe", path, cwd=tmp_path), str(path), says)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("propos.txt", b"x", "'propos'; did you mean 'propose'?"),
        ("propose.txt", b"{% for x %}", "propose.txt:1: "),
        ("propose.txt", b"\n\n{{ exampels }}", "propose.txt:3: 'exampels' is undefined"),
        ("respond.txt", b"[user]\n\n{{ task.intsruction }}", "respond.txt:3: "),
        ("respond.txt", b"[user]\n{% if task %}\n[assistant]\n{% endif %}", "respond.txt:2: "),
        ("respond.txt", b"[system]\nx\n[user]\n{{ 1 / 0 }}", "respond.txt:4: division by zero"),
        ("classify.txt", b"{{ task | nonsense }}", "classify.txt:1: No filter named 'nonsense'"),
        ("classes.txt", b"{{ exemplar }}", "classes.txt:1: 'exemplar' is undefined"),
        ("input.txt", b"\xff", "input.txt: not UTF-8"),
        ("propose.md", b"x", "holds no prompt"),
    ],
)
def test_bad_prompts_are_refused(name: str, content: bytes, says: str, tmp_path: Path) -> None:
    """A text of the user's that cannot be filled is refused, with its line, before a run begins."""
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / name).write_bytes(content)
    script = write_script(tmp_path / "script.jsonl")
    engine = f"scripted:{script}"
    result = run("grow", "--prompts", folder, "--engine", engine, "--out", tmp_path / "out")
    refused(result, str(folder), says)
    assert not (tmp_path / "out").exists()


def test_prompts_with_bom_and_crlf_are_accepted(tmp_path: Path) -> None:
    """A text from a Windows editor is the same text."""
    shipped = load_prompts("en").texts["propose"].encode()
    (tmp_path / "propose.txt").write_bytes(b"\xef\xbb\xbf" + shipped.replace(b"\n", b"\r\n"))
    assert load_prompts("en", tmp_path) == load_prompts("en")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", ": the script is empty"),
        (b'{"text": "x"}\nhello\n', ":2: "),
        (b'{"text": "x"}\n\n{"text": "y"}\n', ":2: "),
        (b'{"key": "*"}\n', ":1: Object missing required field `text`"),
        (b'{"text": 3}\n', ":1: Expected `str`, got `int`"),
        (b'{"text": "x", "reply": ""}\n', ":1: Object contains unknown field `reply`"),
        (b'{"text": "x", "finish": "done"}\n', ":1: Invalid enum value 'done'"),
        (b'{"text": "\xff"}\n', ":1: "),
    ],
)
def test_bad_script_is_refused(content: bytes, says: str, tmp_path: Path) -> None:
    """A script with a fault is refused with file and line."""
    path = tmp_path / "script.jsonl"
    path.write_bytes(content)
    refused(run("grow", "--engine", f"scripted:{path}", cwd=tmp_path), f"{path}{says}", '"key"')
    assert list(tmp_path.iterdir()) == [path]


# --- Places that cannot be written ------------------------------------------------------------


@pytest.mark.parametrize("place", ["file", "file/below", "/proc/nowhere/run", "/sys/run"])
def test_run_folder_that_cannot_be_made_is_named(place: str, base: Path, tmp_path: Path) -> None:
    """A run folder below a file or in a read-only place is refused, and nothing is changed."""
    if place.startswith("/") and not Path(place).parents[-2].is_dir():
        pytest.skip(f"this system has no {place}")
    (tmp_path / "file").write_bytes(b"mine")
    out = tmp_path / place
    engine = f"scripted:{base / 'script.jsonl'}"
    result = run("grow", "--engine", engine, "--rounds", "1", "--out", out)
    refused(result, f"cannot write {out}", "--out")
    assert (tmp_path / "file").read_bytes() == b"mine"


@pytest.mark.parametrize(
    "target", ["file/below.jsonl", "file/below", "/proc/export.jsonl", "/proc/new"]
)
def test_export_that_cannot_be_written_is_named(target: str, base: Path, tmp_path: Path) -> None:
    """An export below a file or in a read-only place is refused."""
    if target.startswith("/") and not Path(target).parent.is_dir():
        pytest.skip(f"this system has no {target}")
    (tmp_path / "file").write_bytes(b"mine")
    (tmp_path / "folder").mkdir()
    before = files(base / "run")
    result = run("export", base / "run", "--format", "flan", "--out", target, cwd=tmp_path)
    refused(result, f"cannot write {target}")
    assert files(base / "run") == before
    assert files(tmp_path) == {"file": b"mine"}


@pytest.mark.skipif(not Path("/dev/full").is_char_device(), reason="this system has no /dev/full")
def test_export_to_a_full_device_is_refused(base: Path) -> None:
    """A device is written to, not replaced by a file; when it is full, the error says so."""
    target = Path("/dev/full")
    refused(run("export", base / "run", "--format", "flan", "--out", target), "No space left")
    assert stat.S_ISCHR(target.stat().st_mode)


def limited(size: int) -> Callable[[], None]:
    """Return a function that makes every file of a process at most `size` bytes long."""

    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    return limit


def run_limited(size: int, *arguments: str | Path) -> Result:
    """Run a command on a disk that takes `size` bytes of any file."""
    done = subprocess.run(
        words(*arguments),
        env=environment(),
        capture_output=True,
        text=True,
        preexec_fn=limited(size),
        check=False,
    )
    return Result(done.returncode, done.stdout, done.stderr)


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[str], dict[str, bytes]]:
    """Return words that grow a run, less its folder, and the files of an undisturbed one."""
    folder = tmp_path_factory.mktemp("disk")
    # Ten short seeds and the few rules of that recipe: each file is larger than those before it.
    lines = sorted(seeds_file("en").read_bytes().splitlines(keepends=True), key=len)
    (folder / "seeds.jsonl").write_bytes(b"".join(lines[:10]))
    more = ["--seeds", str(folder / "seeds.jsonl"), "--prompts-per-round", "100"]
    more += ["--recipe", "self-instruct"]
    expected = files(grown(folder, *more))
    return [*grow_words(folder, *more), "--out"], expected


@pytest.mark.parametrize(
    ("name", "share"),
    [
        ("seeds.jsonl", 0),
        ("seeds.jsonl", 0.5),
        ("run.toml", 0.95),
        ("journal/0001-propose.jsonl", 0.95),
        ("rejected.jsonl", 0.3),
        ("rejected.jsonl", 0.99),
    ],
)
def test_full_disk_loses_nothing(
    name: str, share: float, disk: tuple[list[str], dict[str, bytes]], tmp_path: Path
) -> None:
    """When a write fails in the middle, the error says so, and the same command later goes on."""
    command, expected = disk
    out = tmp_path / "run"
    result = run_limited(int(len(expected[name]) * share), *command, out)
    refused(result, f"cannot write {out / name}: File too large", "free some space")
    for path, content in files(out).items():
        whole = content[: content.rfind(b"\n") + 1]
        assert path == ".new" or expected[path].startswith(whole), path
    assert run(*command, out).code == 0
    assert files(out) == expected


def test_full_disk_keeps_the_old_export(base: Path, tmp_path: Path) -> None:
    """An export that cannot be finished leaves the file that was there."""
    target = tmp_path / "flan.jsonl"
    target.write_bytes(b"old")
    result = run_limited(1000, "export", base / "run", "--format", "flan", "--out", target)
    refused(result, f"cannot write {target}: File too large")
    assert files(tmp_path) == {"flan.jsonl": b"old"}


# --- Run folders ------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["show", "export", "grow"])
@pytest.mark.parametrize("content", ["rounds: 3", "[engine]\n", "fingerprint = 3\n"])
def test_damaged_run_toml_is_named(command: str, content: str, copy: Path) -> None:
    """A run.toml that is none is named by every command that reads it."""
    (copy / "run.toml").write_text(content, encoding="utf-8")
    more = {"export": ["--format", "flan"]}.get(command, [])
    given = grow_words(copy.parent) if command == "grow" else [command, copy, *more]
    refused(run(*given), str(copy / "run.toml"), "restore it")


@pytest.mark.parametrize("name", [".", "missing", "file", "file/below"])
def test_show_and_export_want_a_run(name: str, tmp_path: Path) -> None:
    """What is no run folder is named, with the command that begins one; nothing is created."""
    (tmp_path / "file").write_bytes(b"mine")
    path = tmp_path / name
    for command in (["show"], ["export", "--format", "flan"]):
        refused(run(*command, path), f"{path} is not a run folder", "selfinstruct grow --out")
    assert files(tmp_path) == {"file": b"mine"}


@pytest.mark.parametrize("name", ["seeds.jsonl", "pool.jsonl", "notes.txt"])
@pytest.mark.parametrize("fork", [False, True])
def test_folder_of_somebody_else_is_left_alone(
    name: str, base: Path, tmp_path: Path, *, fork: bool
) -> None:
    """A folder that holds files but is no run is refused, and every byte in it stays."""
    (tmp_path / name).write_bytes(SEED)
    engine = f"scripted:{base / 'script.jsonl'}"
    more = ["--fork", str(base / "run")] if fork else []
    result = run("grow", "--engine", engine, "--seeds", seeds_file("en"), "--out", tmp_path, *more)
    refused(result, f"{tmp_path} is not empty and not a run folder (it holds '{name}')")
    assert files(tmp_path) == {name: SEED}


def test_locked_run_is_refused(base: Path) -> None:
    """Two processes never write one folder; reading it is allowed."""
    with FileLock(base / "run" / ".lock"):
        result = run(*grow_words(base))
        refused(result, f"{base / 'run'} is in use by another process", "--out")
        assert run("show", base / "run").code == 0


def other_seeds(base: Path) -> list[str]:
    """Write other seeds beside the run and return the words that choose them."""
    path = base / "mine.jsonl"
    path.write_bytes(SEED)
    return ["--seeds", str(path)]


@pytest.mark.parametrize(
    ("names", "more"),
    [
        (["seed"], ["--seed", "43"]),
        (["recipe"], ["--recipe", "self-instruct"]),
        (["prompts-per-round"], ["--prompts-per-round", "13"]),
        (["max-tokens-per-round", "seed"], ["--max-tokens-per-round", "99999", "--seed", "1"]),
        (["seeds"], None),
    ],
)
def test_other_settings_are_refused_and_named(
    names: list[str], more: list[str] | None, base: Path
) -> None:
    """A run is never resumed with other settings: the error says which differ and how to fork."""
    before = files(base / "run")
    more = other_seeds(base) if more is None else more
    result = refused(run(*grow_words(base, *more)), "was begun with other settings", "--fork")
    message = next(line for line in result.err.splitlines() if line.startswith("error"))
    said = message.partition("(")[2].split("; ")
    assert sorted(part.partition(": ")[0] for part in said) == sorted(names)
    assert " there, " in message
    assert " now" in message
    assert files(base / "run") == before


def test_other_model_is_refused(base: Path) -> None:
    """A run that one model began is not resumed with another, or another revision of it."""
    frozen = tomllib.loads((base / "run" / "run.toml").read_text(encoding="utf-8"))
    licence = "CC0-1.0"
    for info in (
        EngineInfo(model="other", licence=licence),
        EngineInfo(model="scripted", revision="2", licence=licence),
    ):
        settings = Settings(
            seeds_name="en.jsonl",
            seeds=tuple(load_seeds(seeds_file("en"), language="en", licence="Apache-2.0")),
            recipe=load_recipe("default"),
            prompts=load_prompts("en"),
            engine=info,
            language="en",
            prompts_per_round=12,
        )
        with pytest.raises(RunError, match=r"other settings \(model: 'scripted' there, ") as error:
            Run(base / "run", settings, version="0")
        assert "; " not in str(error.value)
        assert frozen["fingerprint"]["seeds"] == settings.fingerprint()["seeds"]


def test_fork_begins_with_the_finished_rounds(base: Path) -> None:
    """A fork keeps the rounds of its origin, goes on with its own settings, and can be resumed."""
    origin, out = base / "run", base / "fork"
    before = files(origin)
    command = grow_words(base, "--fork", origin, "--out", out, "--seed", "7", "--rounds", "3")
    assert run(*command).code == 0
    assert files(origin) == before
    forked = files(out)
    for name in ("rounds/0001.json", "rounds/0002.json"):
        assert forked[name] == before[name]
    for name in ("pool.jsonl", "rejected.jsonl"):
        assert forked[name].startswith(before[name])
        assert len(forked[name]) > len(before[name])
    frozen = tomllib.loads(forked["run.toml"].decode())
    assert frozen["fingerprint"]["seed"] == "7"
    assert frozen["forked_from"]["fingerprint"]["seed"] == "42"
    assert run(*command).code == 0
    assert files(out) == forked


def test_fork_is_not_poured_into_a_run(base: Path, copy: Path) -> None:
    """A run that exists and is no fork is not turned into one."""
    before = files(copy)
    result = run(*grow_words(copy.parent, "--fork", base / "run"))
    refused(result, f"{copy} is a run already", "--out")
    assert files(copy) == before


@pytest.mark.parametrize("name", ["pool.jsonl", "rejected.jsonl"])
@pytest.mark.parametrize("how", ["changed", "shorter", "missing", "folder"])
def test_tampered_rows_are_refused(name: str, how: str, copy: Path) -> None:
    """Rows of a finished round that were changed, cut or removed are noticed, and left as found."""
    path = copy / name
    content = path.read_bytes()
    path.unlink()
    if how == "changed":
        path.write_bytes(content.replace(b"a", b"e", 1))
    elif how == "shorter":
        path.write_bytes(content[:-10])
    elif how == "folder":
        path.mkdir()
    before = files(copy)
    refused(run(*grow_words(copy.parent)), str(path))
    assert files(copy) == before


def test_damaged_row_is_named_by_show_and_export(copy: Path) -> None:
    """A line of the pool that is no task is named with file and line."""
    path = copy / "pool.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + b"{}\n" + b"".join(lines[2:]))
    for command in (["show"], ["export", "--format", "alpaca"]):
        refused(run(*command, copy), f"{path}:2: ", "restore it")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "not a round marker"),
        (b"{}", "not a round marker"),
        (b"\xff", "not a round marker"),
        (None, "cannot read"),
    ],
)
def test_damaged_marker_is_refused(content: bytes | None, says: str, copy: Path) -> None:
    """A marker that is none, or is missing before a later one, is named; no row is cut for it."""
    path = copy / "rounds" / "0001.json"
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content)
    before = files(copy)
    refused(run(*grow_words(copy.parent)), str(path), says, "delete it and all later ones")
    refused(run("show", copy), str(path))
    assert files(copy) == before


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("pool_bytes", 100),
        ("pool_bytes", 0),
        ("pool_bytes", -5),
        ("rejected_bytes", 10**9),
        ("pool_digest", "0"),
        ("round", 7),
    ],
)
def test_tampered_marker_costs_no_rows(field: str, value: object, copy: Path) -> None:
    """A marker with wrong numbers is refused before anything is cut back to it."""
    path = copy / "rounds" / "0002.json"
    path.write_text(json.dumps({**json.loads(path.read_bytes()), field: value}), encoding="utf-8")
    before = files(copy)
    result = refused(run(*grow_words(copy.parent)))
    assert str(copy) in result.err
    assert files(copy) == before


def test_deleted_newest_marker_is_played_again_from_the_journal(base: Path, copy: Path) -> None:
    """A round whose marker is gone is rebuilt from what the model said, byte for byte."""
    (copy / "rounds" / "0002.json").unlink()
    assert run(*grow_words(copy.parent)).code == 0
    assert files(copy) == files(base / "run")


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (b'"prompt":"', b'"prompt":"0', "answers another prompt"),
        (b'{"prompt"', b'{"prmpt"', ":1: not a row of this file"),
        (b'"finish":"stop"', b'"finish":"halt"', ":1: not a row of this file"),
        (b"\n", b"\n\n", ":2: not a row of this file"),
    ],
)
def test_tampered_journal_is_refused(old: bytes, new: bytes, says: str, copy: Path) -> None:
    """A journal that answers other prompts, or is damaged, is not built on."""
    (copy / "rounds" / "0002.json").unlink()
    path = copy / "journal" / "0002-propose.jsonl"
    content = path.read_bytes()
    path.write_bytes(content.replace(old, new, 1))
    refused(run(*grow_words(copy.parent)), str(path), says)
    assert path.read_bytes() == content.replace(old, new, 1)


def test_unknown_task_id_is_refused(base: Path) -> None:
    """A task that is not there is an error that says where ids are listed."""
    refused(run("show", base / "run", "--task", "0" * 16), "there is no task", "selfinstruct show")


def test_unknown_reason_is_refused_with_the_closest(base: Path) -> None:
    """A reason that refused nothing is an error that names those that did."""
    refused(run("show", base / "run", "--rejected", "novlety"), "did you mean 'novelty'?")


def test_control_characters_in_an_error_are_escaped(tmp_path: Path) -> None:
    """An error message cannot move the cursor of a terminal, whatever a file is called."""
    result = refused(run("show", tmp_path / "a\x1b[2Jb\nc"))
    assert "\x1b" not in result.err
    assert "\\x1b[2Jb" in result.err


def test_closed_pipe_is_no_error(base: Path) -> None:
    """When the reader of the output goes away, the command ends silently, as a pipe's writer."""
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as out:
        done = subprocess.run(
            words("show", base / "run"), stdout=out, stderr=subprocess.PIPE, check=False
        )
    assert (done.returncode, done.stderr) == (141, b"")


def test_output_that_is_not_utf8_is_no_error(base: Path) -> None:
    """On a terminal that cannot show a character, the character is escaped."""
    plain = {"PYTHONUTF8": "0", "PYTHONIOENCODING": "latin-1"}
    result = run("show", base / "run", "--rejected", "all", "--samples", "1000", env=plain)
    assert result.code == 0, result.err
    shown = run("show", base / "run", "--rejected", "all", "--samples", "1000").out
    escaped = shown.encode("latin-1", "backslashreplace")
    assert b"\\u" in escaped
    assert result.out == escaped.decode(errors="replace")


def test_fork_of_another_run_is_refused(base: Path, tmp_path: Path) -> None:
    """A fork goes on as the fork of the run it came from, and of no other."""
    other = [*grow_words(tmp_path, "--seed", "7")]
    assert run(*other).code == 0
    fork: list[str | Path] = ["--fork", base / "run", "--out", tmp_path / "fork", "--seed", "8"]
    assert run(*grow_words(tmp_path, *fork)).code == 0
    again: list[str | Path] = [
        "--fork",
        tmp_path / "run",
        "--out",
        tmp_path / "fork",
        "--seed",
        "8",
    ]
    refused(run(*grow_words(tmp_path, *again)), "no fork of")


def test_fork_that_was_killed_leaves_no_rounds_to_another_run(base: Path, tmp_path: Path) -> None:
    """What an unfinished fork has copied is taken away when the folder becomes a plain run."""
    out = tmp_path / "run"
    out.mkdir()
    (out / ".new").touch()
    for name in ("pool.jsonl", "rejected.jsonl"):
        (out / name).write_bytes((base / "run" / name).read_bytes())
    (out / "rounds").mkdir()
    for path in (base / "run" / "rounds").iterdir():
        (out / "rounds" / path.name).write_bytes(path.read_bytes())
    result = run(*grow_words(tmp_path, "--seed", "9"))
    assert result.code == 0, result.err
    assert "a new run" in result.err


def test_parents_from_before_a_fork_can_be_shown(base: Path, tmp_path: Path) -> None:
    """A fork with other seeds still knows the seeds its copied tasks came from."""
    seeds = tmp_path / "seeds.jsonl"
    lines = seeds_file("en").read_text(encoding="utf-8").splitlines(keepends=True)
    seeds.write_text("".join(lines[:40]), encoding="utf-8")
    more: list[str | Path] = ["--fork", base / "run", "--out", tmp_path / "fork"]
    more += ["--seeds", seeds]
    assert run(*grow_words(tmp_path, *more)).code == 0
    old = load_seeds(seeds_file("en"), language="en")[-1]
    shown = run("show", tmp_path / "fork", "--task", old.id)
    assert shown.code == 0
    assert old.instruction in shown.out


def test_recipe_for_another_language_is_refused(tmp_path: Path) -> None:
    """A language needs a recipe for it, and says so before anything runs."""
    prompts = tmp_path / "prompts"
    prompts.mkdir()
    for path in prompts_dir("en").glob("*.txt"):
        (prompts / path.name).write_bytes(path.read_bytes())
    result = run(*grow_words(tmp_path, "--language", "de", "--prompts", prompts))
    refused(result, "the recipe 'default' is for 'en', not 'de'", "--recipe")


def test_words_that_are_not_text_are_refused(tmp_path: Path) -> None:
    """An argument that is no UTF-8 could not be written down, so it is refused at once."""
    bad = os.fsdecode(b"\xff")
    refused(run(*grow_words(tmp_path, "--model-licence", bad)), "not UTF-8")
