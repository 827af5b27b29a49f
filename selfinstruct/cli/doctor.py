"""`selfinstruct doctor`: what is installed, which engines would work here, and which suits.

Decides: how findings are laid out, and what a trial of an engine asks. Does not know: what an
engine needs.
"""

import time

import click
import msgspec

from selfinstruct import __version__
from selfinstruct.engines import Given, Prompt, Sampling, open_engine
from selfinstruct.engines.machine import Machine, look
from selfinstruct.errors import EngineError
from selfinstruct.visible import visible

TRIAL = "A list of three things that float:\n1."


@click.command()
@click.option("--engine", help="Try this engine (KIND:MODEL): open it and ask it something.")
@click.option("--engine-arg", "engine_args", multiple=True, metavar="KEY=VALUE", help="As in grow.")
@click.option("--trust-remote-code", is_flag=True, help="As in grow.")
@click.option("--json", "as_json", is_flag=True, help="Print what was found as one JSON object.")
def doctor(
    *, engine: str | None, engine_args: tuple[str, ...], trust_remote_code: bool, as_json: bool
) -> None:
    """Show what is installed, which engines would work here and why not, and what to type."""
    machine = look()
    if as_json:
        click.echo(msgspec.json.encode(machine))
    else:
        click.echo(described(machine))
    if engine:
        report = tried(engine, Given(engine_args, trust_remote_code=trust_remote_code))
        click.echo(report, err=as_json)


def described(machine: Machine) -> str:
    """Return the page that a person reads."""
    gpus = [f"{gpu.name}, {gpu.memory or '?'} GiB, driver {gpu.driver}" for gpu in machine.gpus]
    extras = [f"{name} {found or '-'}" for name, found in machine.extras.items()]
    lines = [
        f"selfinstruct {__version__}, Python {machine.python}, {machine.system}",
        f"{machine.cores} cores, {machine.memory} GiB of memory",
        *(f"GPU: {gpu}" for gpu in gpus or ["none found"]),
        "",
        "Engines",
        *(
            f"  {ready.engine:<13} {'ready' if ready.works else 'no':<6} {ready.detail}"
            for ready in machine.engines
        ),
        f"  extras: {', '.join(extras)}",
        "",
        "Models on this machine",
        *(f"  {one.model:<45} {one.size:>7.2f} GiB  {one.folder}" for one in machine.models),
        *([] if machine.models else ["  none yet"]),
        "",
        f"Suggestion:  {machine.suggestion}",
    ]
    return "\n".join(lines)


def tried(spec: str, given: Given) -> str:
    """Open an engine, ask it one thing, and return what came; raise EngineError if nothing did."""
    began = time.monotonic()
    with open_engine(spec, given) as engine:
        opened = time.monotonic()
        prompt = Prompt("0000/doctor/0000", TRIAL, sampling=Sampling(max_tokens=24))
        completion = next(iter(engine.complete([prompt])))
        answered = time.monotonic()
    if completion.finish == "error":
        message = f"{spec} opens, but does not answer: {completion.error}"
        raise EngineError(message, hint="see docs/engines.md for what this engine needs")
    info = engine.info
    return (
        f"\n{spec} works: open in {opened - began:.1f} s, {completion.completion_tokens} tokens in "
        f"{answered - opened:.1f} s\n"
        f"  model {info.model} {info.revision}, licence {info.licence or 'unknown'}, "
        f"{'a chat model' if info.chat else 'no chat template'}, context {info.context or '?'}\n"
        f"  it went on with: {visible(completion.text)!r}"
    )
