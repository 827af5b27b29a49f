"""The command line: which commands there are, and how errors and signals end a process.

Decides: exit codes (0 done; 1 a fault of ours; 2 of what was given; 130 Ctrl-C; 141 the reader
of a pipe has gone; 143 SIGTERM) and
that a user never sees a traceback for a fault of theirs. Does not know: what a command does.
"""

import importlib
import io
import os
import signal
import sys
from types import FrameType
from typing import NoReturn

import click

from selfinstruct import __version__
from selfinstruct.errors import InputError, SelfInstructError, unknown_name
from selfinstruct.task import clean

COMMANDS = {
    "grow": "Grow a dataset: play rounds, then export.",
    "export": "Write a run, or any dataset, as trainers read it.",
    "publish": "Upload a release to a Hugging Face Hub or a mirror.",
    "verify": "Check a release against its checksums.",
    "show": "Show a run: counts, samples, rejects by reason.",
    "filter": "Apply a recipe to a run or to any dataset.",
    "augment": "Say a run's tasks in other words.",
    "prefer": "Rank several responses to each task, for DPO.",
    "seeds": "Check, import or make seed files.",
    "decontaminate": "Take tasks out of a run that overlap evaluation sets.",
    "doctor": "Show what is installed, and which engines would work here.",
    "dedup": "Drop near-duplicate rows from any JSONL, CSV or Parquet.",
}


class ReaderGone(Exception):  # noqa: N818 (no fault)
    """Nobody reads what is printed (`| head`)."""


class Commands(click.Group):
    """The commands, each imported when it is used: `--help` stays quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Return the names in the order a newcomer needs them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:  # noqa: ARG002
        """Import a command's file and return the command."""
        if name not in COMMANDS:
            return None
        module = importlib.import_module(f"selfinstruct.cli.{name}")
        command: click.Command = getattr(module, "filter_" if name == "filter" else name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Suggest the closest command for an unknown one."""
        if args and not args[0].startswith("-") and args[0] not in COMMANDS:
            raise unknown_name("command", args[0], COMMANDS)
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> object:
        """Run a command; click would end the process with 1 when the reader of a pipe goes."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError as error:
            raise ReaderGone from error

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="selfinstruct")
def main() -> None:
    """Grow an instruction-tuning dataset from seed tasks with a local language model.

    Start with: selfinstruct grow --rounds 5
    """


class Terminated(KeyboardInterrupt):
    """SIGTERM: handled as Ctrl-C is, with its own exit code."""


def _terminate(number: int, frame: FrameType | None) -> NoReturn:  # noqa: ARG001 (a handler)
    raise Terminated


def run_main() -> NoReturn:
    """Run the command line and exit with its code."""
    signal.signal(signal.SIGTERM, _terminate)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # what a terminal cannot show
    try:
        _refuse_undecodable(sys.argv[1:])
        code = main.main(prog_name="selfinstruct", standalone_mode=False)
        sys.stdout.flush()
        sys.exit(code if isinstance(code, int) else 0)
    except SelfInstructError as error:
        _complain(str(error), error.hint)
        sys.exit(error.exit_code)
    except click.ClickException as error:
        _complain_of_usage(error)
        sys.exit(2)
    except (KeyboardInterrupt, click.Abort) as error:
        # click turns what interrupts a command into Abort, and keeps it as the cause
        sys.exit(143 if Terminated in (type(error), type(error.__cause__)) else 130)
    except (ReaderGone, BrokenPipeError):
        # Nothing is left to say, also not at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)


def _refuse_undecodable(arguments: list[str]) -> None:
    """Refuse words that are not text: they could not be written down in a run."""
    for word in arguments:
        if not word.isascii() and word != clean(word):
            hint = "rename the file, or use a UTF-8 locale"
            raise InputError(f"not UTF-8: {word!r}", hint=hint)


def _complain_of_usage(error: click.ClickException) -> None:
    """Say what is wrong with the words of a command, in the form of all other errors."""
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        error.show()
        return
    context = error.ctx if isinstance(error, click.UsageError) else None
    hint = f"see: {context.command_path if context else 'selfinstruct'} --help"
    message = error.format_message().strip().rstrip(".")
    if context and isinstance(error, click.NoSuchOption):
        known = [name for param in context.command.get_params(context) for name in param.opts]
        message = str(unknown_name("option", error.option_name, known))
    _complain(message[:1].lower() + message[1:], hint)


def _complain(message: str, hint: str) -> None:
    """Print an error on one line, and what to do on the next; neither can move a cursor."""
    for label, text in (("error", message), ("hint", hint)):
        if line := " ".join(text.split()):
            shown = "".join(c if c.isprintable() else repr(c)[1:-1] for c in line)
            click.echo(f"{label}: {shown}", err=True)
