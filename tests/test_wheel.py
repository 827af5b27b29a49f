"""What is installed is whole: a wheel finds its seeds, recipes, prompts and templates."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from script import write_script

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel and unpack it where no checkout is near."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder)]
    result = subprocess.run([*build, str(ROOT)], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def test_wheel_grows_and_exports(installed: Path, tmp_path: Path) -> None:
    """The unpacked wheel grows a run with its own data, and no file of the checkout."""
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    where = [sys.executable, "-c", "import selfinstruct; print(selfinstruct.__file__)"]
    found = subprocess.run(
        where, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    assert found.stdout.startswith(str(installed))
    script = write_script(tmp_path / "script.jsonl")
    grow = [sys.executable, "-m", "selfinstruct", "grow", "--rounds", "1", "--out", "run"]
    grow += ["--engine", f"scripted:{script}"]
    result = subprocess.run(
        grow, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "run" / "export" / "flan" / "train.jsonl").stat().st_size > 0


def test_wheel_holds_data_and_no_tests(installed: Path) -> None:
    """The wheel holds the package, its data and its licence, and nothing else."""
    top = {path.name for path in installed.iterdir() if not path.name.endswith(".dist-info")}
    assert top == {"selfinstruct"}
    assert (installed / "selfinstruct" / "_data" / "seeds" / "en.jsonl").exists()
    assert (installed / "selfinstruct" / "_data" / "filters" / "default.toml").exists()
    assert (installed / "selfinstruct" / "importing" / "wordings" / "zh.toml").exists()
    assert (installed / "selfinstruct" / "py.typed").exists()
    assert list(installed.glob("*.dist-info/licenses/LICENSE"))
