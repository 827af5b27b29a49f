"""What commands that speak to a Hub have in common: options, the bar, opening a repository.

Decides: where the Hub is by default, and how progress looks. Does not know: what is asked of it.
"""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple, NoReturn, TypeVar

import click
from tqdm import tqdm

from selfinstruct.publish.repository import Repository, open_repository
from selfinstruct.publish.session import Terms, login
from selfinstruct.publish.target import HUB, check_endpoint, check_repo, find_token
from selfinstruct.visible import visible

Command = TypeVar("Command", bound=Callable[..., object])


def hub_options(command: Command) -> Command:
    """Add the options that say which Hub, and how it is spoken to."""
    for option in reversed(
        [
            click.option(
                "--endpoint",
                default="",
                help=f"Address of the Hub or a mirror.  [default: $HF_ENDPOINT, else {HUB}]",
            ),
            click.option(
                "--token-env",
                default="",
                metavar="NAME",
                help="Environment variable with the token.  [default: for the Hub itself HF_TOKEN "
                "or a login, for a mirror none]",
            ),
            click.option(
                "--timeout",
                type=click.FloatRange(0.1, 3600),
                default=120.0,
                show_default=True,
                help="Seconds that the Hub may keep silent.",
            ),
            click.option(
                "--insecure-http",
                is_flag=True,
                help="Let data and token travel in the clear beyond this machine.",
            ),
            click.option("--quiet", is_flag=True, help="Print nothing but results and errors."),
        ]
    ):
        command = option(command)
    return command


class Link(NamedTuple):
    """How the Hub was named on the command line."""

    endpoint: str
    token_env: str
    timeout: float
    insecure: bool

    @contextmanager
    def open(self, repo: str, say: Callable[[str], None]) -> Iterator[Repository]:
        """Open a repository there; raise InputError for what cannot be one."""
        check_repo(repo)
        terms, token = self.check()
        with open_repository(terms, repo, token, say) as repository:
            yield repository

    def check(self) -> tuple[Terms, str | None]:
        """Return the Hub and the token for it; raise InputError where there can be none."""
        given = self.endpoint or os.environ.get("HF_ENDPOINT") or HUB
        endpoint = check_endpoint(given, insecure=self.insecure)
        token = find_token(endpoint, self.token_env, os.environ, login)
        return Terms(endpoint, self.timeout, self.insecure), token


class HubBar:
    """One bar on standard error for what is under way; none where no terminal is."""

    def __init__(self, *, quiet: bool) -> None:
        self.quiet = quiet
        self._show = not quiet and sys.stderr.isatty()
        self._bar: tqdm[NoReturn] | None = None

    def begin(self, what: str, total: int) -> None:
        """Show a new bar in the place of the one before."""
        self.close()
        self._bar = tqdm(
            total=total or None,
            desc=what,
            unit="B",
            unit_scale=True,
            file=sys.stderr,
            disable=not self._show,
            dynamic_ncols=True,
            leave=False,
        )

    def moved(self, count: int) -> None:
        """Move the bar by some bytes."""
        if self._bar is not None:
            self._bar.update(count)

    def say(self, text: str) -> None:
        """Print a line above the bar."""
        if self.quiet:
            return
        if self._bar is not None:
            self._bar.clear()
        click.echo(visible(text), err=True)

    def close(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None


def in_bytes(size: int) -> str:
    """Return a number of bytes as people read it."""
    return f"{tqdm.format_sizeof(size, 'B')}"
