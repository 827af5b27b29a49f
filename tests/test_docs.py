"""Documents and texts that people read are what the program really does."""

import inspect
import re
from collections.abc import Callable
from pathlib import Path

import click
import msgspec
import pytest
from click.testing import CliRunner
from script_zh import write_seeds

from selfinstruct.cli.main import COMMANDS, main
from selfinstruct.cli.progress import closing_table
from selfinstruct.engines import Sampling
from selfinstruct.pool import Pool, Shown, slot_random
from selfinstruct.prompts.files import load_prompts
from selfinstruct.resources import seeds_file
from selfinstruct.rules import Rule
from selfinstruct.run import Marker
from selfinstruct.seeds import load_seeds

ROOT = Path(__file__).parents[1]
Golden = Callable[[str, str], None]


def rule_reference() -> str:
    """Return the reference of all rules, from their docstrings and fields."""
    parts = []
    for kind in Rule.__args__:
        doc = inspect.getdoc(kind) or ""
        fields = []
        for field in msgspec.structs.fields(kind):
            if field.name in ("name", "field", "unless_asked", "only_asked", "unless_input"):
                continue  # what all rules have, or all rules on a field
            default = "" if field.required else f" (default {field.default!r})"
            fields.append(f"`{field.name}`{default}")
        listed = f"\n\nParameters: {', '.join(fields)}." if fields else ""
        parts.append(f"### `{kind.__struct_config__.tag}`\n\n{doc}{listed}")
    return "\n\n".join(parts)


def test_the_rule_reference_is_the_rules(request: pytest.FixtureRequest) -> None:
    """filters/README.md describes every rule as its code does."""
    path = ROOT / "filters" / "README.md"
    text = path.read_text(encoding="utf-8")
    fresh = re.sub(
        r"(<!-- rules:.*?-->\n).*(<!-- end -->)",
        lambda found: f"{found[1]}\n{rule_reference()}\n\n{found[2]}",
        text,
        flags=re.DOTALL,
    )
    if request.config.getoption("--update-golden"):
        path.write_text(fresh, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == fresh, "run `make golden`"


@pytest.mark.parametrize("name", ["", *COMMANDS, "seeds import", "seeds from-dataset"])
def test_help_is_as_it_was(name: str, golden: Golden) -> None:
    """The help of each command changes only on purpose."""
    result = CliRunner().invoke(main, [*name.split(), "--help"], terminal_width=100)
    golden(f"help-{name.replace(' ', '-') or 'selfinstruct'}.txt", result.output)


def test_every_option_has_help() -> None:
    """No option is left unexplained."""
    context = click.Context(main)
    for name in COMMANDS:
        command = main.get_command(context, name)
        assert command is not None
        inner = command.commands.values() if isinstance(command, click.Group) else ()
        for param in (param for one in (command, *inner) for param in one.params):
            if isinstance(param, click.Option):
                assert param.help, f"{name} {param.opts}"


@pytest.mark.parametrize(
    ("language", "words"),
    [("en", ("Write a poem", "letter", "bees")), ("zh", ("写一首诗", "信件", "蜜蜂"))],
)
def test_prompts_are_as_they_were(
    golden: Golden, tmp_path: Path, language: str, words: tuple[str, str, str]
) -> None:
    """What the model reads changes only on purpose."""
    prompts = load_prompts(language)
    lead, kind, topic = words
    path = seeds_file("en") if language == "en" else write_seeds(tmp_path / "seeds.jsonl")
    pool = Pool(load_seeds(path, language=language))
    random = slot_random(42, "golden")
    shown = pool.sample(random, Shown(count=8, grown=2, max_words=30))
    classes = pool.exemplars(random, 2, classification=True)
    others = pool.exemplars(random, 2, classification=False)
    plain = Sampling()
    generation, classification = others[0], classes[0]
    rendered = [
        prompts.propose("propose", shown, lead=lead, last=9, sampling=plain),
        prompts.propose("propose without lead", shown, lead="", last=16, sampling=plain),
        prompts.propose_json("propose as JSON", shown, lead=lead, new=4, sampling=plain),
        prompts.propose_json("propose one as JSON", shown, lead="", new=1, sampling=plain),
        prompts.classify("classify", [*classes, *others], generation, sampling=plain),
        prompts.input("input", generation, kind=kind, topic=topic, sampling=plain),
        prompts.respond("respond", generation, "An input.", sampling=plain),
        prompts.respond("respond without input", generation, "", sampling=plain),
        prompts.instances("instances", others, generation, sampling=plain),
        prompts.instances("classes", classes, classification, sampling=plain),
    ]
    text = ""
    for prompt in rendered:
        turns = [f"[{turn.role}]\n{turn.content}" for turn in prompt.messages]
        body = "\n".join(turns) or prompt.text
        text += f"===== {prompt.key}  stop={list(prompt.sampling.stop)}\n{body}\u2588\n\n"
    golden("prompts.txt" if language == "en" else f"prompts-{language}.txt", text)


def test_the_closing_table_is_as_it_was(golden: Golden) -> None:
    """The table that a run ends with changes only on purpose."""
    rounds: list[tuple[int, int, dict[str, int]]] = [
        (32, 20, {"novelty": 3, "refusal": 9}),
        (32, 0, {"not_a_task": 31, "a": 1}),
        (9, 9, {}),
    ]
    markers = [
        Marker(
            round=number,
            proposed=proposed,
            accepted=accepted,
            rejected=rejected,
            prompt_tokens=1000,
            completion_tokens=1234 * number,
            pool_bytes=0,
            pool_digest="",
            rejected_bytes=0,
            rejected_digest="",
        )
        for number, (proposed, accepted, rejected) in enumerate(rounds, 1)
    ]
    golden("closing-table.txt", closing_table(markers, {1: 12.4, 2: 3.0}) + "\n")


@pytest.mark.parametrize("path", [*sorted((ROOT / "docs").glob("*.md")), ROOT / "README.md"])
def test_python_in_documents_runs(path: Path) -> None:
    """Each Python example of a document runs as it stands."""
    text = path.read_text(encoding="utf-8")
    for code in re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL):
        exec(compile(code, str(path), "exec"), {})  # noqa: S102 (our own documents)


@pytest.mark.parametrize("path", [*ROOT.glob("*.md"), *ROOT.glob("*/*.md")], ids=lambda p: p.name)
def test_links_between_documents_lead_somewhere(path: Path) -> None:
    """A relative link names a file that exists."""
    for target in re.findall(r"\]\(([^)#:]+)\)", path.read_text(encoding="utf-8")):
        assert (path.parent / target).exists(), target
