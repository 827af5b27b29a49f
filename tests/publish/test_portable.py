"""No name of a machine: paths and addresses in the settings of a run are not published."""

from pathlib import Path

import msgspec
import pytest

from publish.made import MODEL, made, plain, settings
from selfinstruct.engines import EngineInfo
from selfinstruct.novelty import Match
from selfinstruct.publish.portable import HIDDEN, portable_argument, portable_name, portable_spec
from selfinstruct.publish.release import ReleaseSettings, build
from selfinstruct.recipe import JudgeSettings
from selfinstruct.sift import Rejected
from selfinstruct.task import Judgement


@pytest.mark.parametrize(
    ("given", "left"),
    [
        ("Qwen/Qwen3-8B", "Qwen/Qwen3-8B"),
        ("SmolLM2-135M-Instruct-Q4_1", "SmolLM2-135M-Instruct-Q4_1"),
        ("/data/jo do/models/Qwen3-8B/", "Qwen3-8B"),
        ("~/models/a.gguf", "a.gguf"),
        ("../a.gguf", "a.gguf"),
        ("C:\\Users\\jo\\a.gguf", "a.gguf"),
        ("/", HIDDEN),
        ("", ""),
    ],
)
def test_a_path_is_cut_to_its_last_part(given: str, left: str) -> None:
    """A model is called what its file or folder is called."""
    assert portable_name(given) == left


@pytest.mark.parametrize(
    ("given", "left"),
    [
        ("context=4096", "context=4096"),
        ("lora=/home_of/jo/adapters/poems", "lora=poems"),
        ("host=http://10.0.0.7:8000/v1", f"host={HIDDEN}"),
        ('json={"a": "/data/jo do/x"}', f"json={HIDDEN}"),
        ("revision=main", "revision=main"),
        ("ratio=1/2", "ratio=1/2"),
    ],
)
def test_arguments_name_no_path_and_no_address(given: str, left: str) -> None:
    """An argument keeps its key; a path is cut, and what holds one or an address is hidden."""
    assert portable_argument(given) == left


@pytest.mark.parametrize(
    ("given", "left"),
    [
        ("", ""),
        ("llamacpp:smollm2-135m", "llamacpp:smollm2-135m"),
        ("vllm:Qwen/Qwen3-8B", "vllm:Qwen/Qwen3-8B"),
        ("llamacpp:/data/jo/judge.gguf", "llamacpp:judge.gguf"),
        ("openai:big@http://box.lan:8000/v1", "openai:big"),
        ("openai:/data/big@https://box.lan/v1", "openai:big"),
    ],
)
def test_a_spec_keeps_its_kind_and_name(given: str, left: str) -> None:
    """Where a server listens is nobody's business."""
    assert portable_spec(given) == left


def test_no_file_of_a_release_names_a_path(tmp_path: Path) -> None:
    """A model, its judge and its arguments given by paths and addresses leave no trace of these."""
    place = "/nobody/elses/folder"
    judge = EngineInfo(model=f"{place}/judge.gguf")
    told = settings(tmp_path)
    how = JudgeSettings(engine="openai:big@http://box.lan:8000/v1")
    recipe = msgspec.structs.replace(told.recipe, judge=how)
    engine = msgspec.structs.replace(
        MODEL, model=f"{place}/big.gguf", arguments=(f"lora={place}/poems", "context=4096")
    )
    mean = Judgement(1.0, 1.0, 1.0, 5.0, 1, judge.model)
    kept = [
        msgspec.structs.replace(
            one,
            origin=msgspec.structs.replace(one.origin, model=engine.model),
            judgements=(mean,),
        )
        for one in plain(12)
    ]
    refused = [Rejected("propose", "novelty", "same", one, Match(one.id, 1.0)) for one in kept]
    run = made(tmp_path, kept, refused, engine=engine, judge=judge, recipe=recipe)
    release = build(run, tmp_path / "release", ReleaseSettings())
    for one in release.files:
        text = (release.folder / one.path).read_text(encoding="utf-8")
        for trace in ("elses", "box.lan", str(tmp_path), ":8000"):
            assert trace not in text, one.path
    readme = (release.folder / "README.md").read_text(encoding="utf-8")
    assert "`big.gguf`" in readme
    assert "`judge.gguf`" in readme
    assert "--engine-arg lora=poems" in readme
