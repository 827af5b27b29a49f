"""Rules about the project itself: sizes, names, what ships, what starts quickly."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from selfinstruct.engines import open_engine
from selfinstruct.errors import InputError

ROOT = Path(__file__).parents[1]
PACKAGE = sorted((ROOT / "selfinstruct").rglob("*.py"))
MAX_FILE, MAX_FUNCTION, MAX_METHODS = 300, 50, 12


@pytest.mark.parametrize("path", PACKAGE, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_can_be_read_in_one_sitting(path: Path) -> None:
    """No file has more than 300 lines, no function more than 50, no class too many methods."""
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= MAX_FILE
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            first = node.body[0].lineno  # the signature of a command is as long as its options
            assert (node.end_lineno or 0) - first < MAX_FUNCTION, node.name
        if isinstance(node, ast.ClassDef):
            methods = [item for item in node.body if isinstance(item, ast.FunctionDef)]
            assert len([m for m in methods if not m.name.startswith("_")]) <= MAX_METHODS, node.name


@pytest.mark.parametrize("path", PACKAGE, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_drawer_modules_and_no_global_randomness(path: Path) -> None:
    """No utils, helpers or managers; random numbers come from a generator with a seed."""
    assert not re.search(r"util|helper|manager|common|misc", path.stem)
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"\brandom\.seed\(|\bimport random\b|Random\(\)", text)
    assert not re.search(r"time\.time\(|datetime\.now", text)


def test_every_module_says_what_it_decides() -> None:
    """Each module has a docstring; those with more than one screen say what they do not know."""
    for path in PACKAGE:
        text = path.read_text(encoding="utf-8")
        doc = ast.get_docstring(ast.parse(text))
        assert doc, path
        if len(text.splitlines()) > 90 and path.parts[-2] != "cli":
            assert "not know" in " ".join(doc.split()), path


def test_help_loads_no_model_library_and_no_numpy() -> None:
    """`--help` imports none of the slow libraries."""
    code = (
        "import sys; sys.argv = ['selfinstruct', '--help']\n"
        "from selfinstruct.cli.main import run_main\n"
        "try:\n    run_main()\nfinally:\n"
        "    slow = {'numpy', 'xllamacpp', 'polars', 'jinja2', 'tqdm'} & set(sys.modules)\n"
        "    assert not slow, slow\n"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert result.returncode == 0, result.stderr


def test_unknown_engines_suggest_the_closest() -> None:
    """A misspelt engine is an error that names the one that was meant."""
    with pytest.raises(InputError, match="did you mean 'llamacpp'"):
        open_engine("lamacpp:smollm2-135m")


def test_the_makefile_is_short() -> None:
    """The Makefile can be read aloud: 60 lines, but for empty ones."""
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert len(list(filter(None, text.splitlines()))) <= 60


def test_no_path_of_a_machine_in_tracked_files() -> None:
    """Nothing in the repository names a folder of the machine it was written on."""
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listed.returncode:
        pytest.skip("not a git checkout")
    for name in listed.stdout.splitlines():
        path = ROOT / name
        if path.is_file() and path.suffix in {".py", ".md", ".toml", ".jsonl", ".txt", ""}:
            text = path.read_text(encoding="utf-8")
            assert not re.search(r"/(?:work|root|home)/[a-z]", text), name
