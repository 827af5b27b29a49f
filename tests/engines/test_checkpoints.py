"""Opening a model with transformers: what is said when it cannot be, and adapters."""

import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from small_folder import small_folder

from selfinstruct.engines import Given, Prompt, Sampling, open_engine
from selfinstruct.errors import EngineError, InputError

pytestmark = pytest.mark.transformers


def spoil(folder: Path, what: str) -> str:
    """Make a folder that is no model in some way, and return its path."""
    if what != "no config":
        (folder / "config.json").write_text('{"model_type": "llama"}' if what == "bare" else "{")
    return str(folder)


def test_opening_and_completing_are_quiet(capfd: pytest.CaptureFixture[str]) -> None:
    """Nothing is printed on the way to a completion, and arguments are kept."""
    given = Given(("context=64", "batch-size=2"), quiet=True)
    folder = small_folder()
    capfd.readouterr()  # the first test on a machine unpacks the model, with bars
    with open_engine(f"transformers:{folder}", given) as engine:
        assert engine.info.arguments == given.arguments
        assert engine.info.context == 64
        assert next(iter(engine.complete([Prompt("k", "")]))).finish in ("stop", "length")
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("what", ["no folder", "no config", "bare", "torn config"])
def test_what_cannot_be_loaded_is_an_error_of_one_line(tmp_path: Path, what: str) -> None:
    """A model that is not there, or not complete, is named in one line, with a hint."""
    model = str(tmp_path / "none") if what == "no folder" else spoil(tmp_path, what)
    with pytest.raises((InputError, EngineError)) as caught:
        open_engine(f"transformers:{model}", Given(quiet=True))
    assert model in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.hint


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("batchsize=2", "did you mean 'batch_size'"),
        ("batch_size=0", "batch_size=0 does not fit"),
        ("device=gpu", "device=gpu does not fit"),
        ("device=xpu:7", "no device 'xpu:7'"),
        ("dtype=int4", "dtype=int4 does not fit"),
        ("context=999999", "context=999999 is more than the model has: 8192"),
        ("lora=none", "none holds no adapter_config.json"),
    ],
)
def test_an_argument_that_does_not_fit_is_refused(argument: str, message: str) -> None:
    """A wrong argument is quoted, with what would fit."""
    with pytest.raises(InputError) as caught:
        open_engine(f"transformers:{small_folder()}", Given((argument,), quiet=True))
    assert message in str(caught.value)
    assert caught.value.hint or "did you mean" in str(caught.value)


def test_missing_packages_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without torch the error says how to install the extra."""
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(EngineError, match="needs the packages torch and transformers") as caught:
        open_engine("transformers:org/model")
    assert caught.value.hint == "install them with: pip install 'selfinstruct[transformers]'"


@pytest.mark.skipif(find_spec("peft") is not None, reason="peft is installed")
def test_an_adapter_needs_peft(tmp_path: Path) -> None:
    """The argument lora without its package is an error before the model loads."""
    (tmp_path / "adapter_config.json").write_text("{}")
    with pytest.raises(EngineError, match="needs the package peft") as caught:
        open_engine(f"transformers:{small_folder()}", Given((f"lora={tmp_path}",), quiet=True))
    assert caught.value.hint == "install it with: pip install peft"


@pytest.mark.skipif(find_spec("peft") is None, reason="needs the package peft")
def test_an_adapter_changes_the_text_and_the_name(tmp_path: Path) -> None:
    """A model with a LoRA adapter writes otherwise, under a name and revision of its own."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    torch.manual_seed(0)
    config = LoraConfig(
        task_type="CAUSAL_LM", r=4, target_modules=["q_proj", "v_proj"], init_lora_weights=False
    )
    base = AutoModelForCausalLM.from_pretrained(small_folder())
    get_peft_model(base, config).save_pretrained(tmp_path / "odd")
    prompt = Prompt("k", "A list of odd animals:", sampling=Sampling(max_tokens=12))
    found = []
    for arguments in ((), (f"lora={tmp_path / 'odd'}",)):
        given = Given(arguments, quiet=True)
        with open_engine(f"transformers:{small_folder()}", given) as engine:
            found.append((engine.info, next(iter(engine.complete([prompt]))).text))
    (plain, text), (adapted, other) = found
    assert adapted.model == f"{plain.model}+odd"
    assert adapted.revision.startswith(f"{plain.revision}+")
    assert other != text
