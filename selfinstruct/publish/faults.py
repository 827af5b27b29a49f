"""What a Hub's refusals and broken connections mean, in one line each.

Decides: which faults may pass when a request is made again, what each is called, and what to do
about it; and that no secret is in what is said. Does not know: what was asked.
"""

import re
import socket
import ssl
from collections.abc import Iterator
from typing import NamedTuple

from selfinstruct.errors import HubError, HubLostError
from selfinstruct.patience import asked_wait

_PASSING = frozenset({408, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524, 529})
_LONGEST = 300
_QUERY = re.compile(r"(https?://[^\s?'\"<>]+)\?[^\s'\"<>]+")
_BEARER = re.compile(r"(?i)\b(bearer|basic)\s+[^\s'\",]+")


class Fault(NamedTuple):
    """What went wrong with a request.

    `status` is the HTTP status, 0 where no answer came. `passing`: it may succeed when it is made
    again, not before `at_least` seconds.
    """

    message: str
    hint: str
    status: int = 0
    passing: bool = False
    at_least: float = 0.0

    def error(self) -> HubError:
        """Return it as an error of this program."""
        kind = HubLostError if self.passing else HubError
        return kind(self.message, hint=self.hint)


class Speech(NamedTuple):
    """How faults of a Hub are spoken of: its address, the repository, and what never to say."""

    endpoint: str
    repo: str
    secret: str | None

    def clean(self, text: str) -> str:
        """Return a text in one line without the token, and without what signs an address."""
        if self.secret:
            text = text.replace(self.secret, "***")
        text = _BEARER.sub(r"\1 ***", _QUERY.sub(r"\1", text))
        line = " ".join(text.split())
        return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"

    def fault(self, error: BaseException, what: str) -> Fault:
        """Say what an exception of the client means; `what` was being done."""
        errors = list(chain(error))
        for one in errors:
            if (status := _status(one)) is not None:
                return self._refused(one, status, what)
        for look in (self._not_a_server, self._broken):
            for one in errors:
                if named := look(one, what):
                    return named
        return self._odd(errors[-1], what)

    def _refused(self, error: BaseException, status: int, what: str) -> Fault:
        """Say what an HTTP status means."""
        headers = getattr(getattr(error, "response", None), "headers", {})
        said = self.clean(str(getattr(error, "server_message", None) or ""))
        says = f": {said}" if said else ""
        passing = status in _PASSING
        name, hint = _MEANINGS.get(status, ("", _LATER if passing else _ODD_HINT))
        if status == 401 and not self.secret:
            name = "wants a token"
        message = f"{what}: {self.endpoint} {name or f'answers {status}'}{says}"
        filled = self.clean(hint.format(repo=self.repo))
        return Fault(message, filled, status, passing, asked_wait(headers) if passing else 0)

    def _not_a_server(self, error: BaseException, what: str) -> Fault | None:
        """Say what is wrong with an address, None where an exception is of another kind."""
        if isinstance(error, ssl.SSLCertVerificationError) or "CERTIFICATE_VERIFY" in str(error):
            hint = "see the address; for a certificate of your own set SSL_CERT_FILE to its file"
            reason = self.clean(str(error)).rpartition("failed: ")[2].partition(" (")[0]
            return Fault(f"{what}: the certificate of {self.endpoint} is not valid: {reason}", hint)
        if type(error).__name__ == "OfflineModeIsEnabled":
            return Fault(f"{what}: HF_HUB_OFFLINE is set", "unset it: nothing is asked of a Hub")
        if isinstance(error, ssl.SSLError):
            hint = "see the address: a server that speaks plain http has http:// before its name"
            return Fault(f"{what}: {self.endpoint} does not speak TLS as it should", hint)
        if isinstance(error, socket.gaierror):
            hint = "see the address, and the network; then give the same command again"
            return Fault(f"{what}: no server is called {self.endpoint}: {error.strerror}", hint)
        return None

    def _broken(self, error: BaseException, what: str) -> Fault | None:
        """Say how a connection failed, None where an exception is of another kind."""
        kinds = {kind.__name__ for kind in type(error).__mro__}
        if "TransportError" in kinds or isinstance(error, (ConnectionError, TimeoutError)):
            late = "Timeout" in type(error).__name__ or isinstance(error, TimeoutError)
            reason = "does not answer in time" if late else "broke the connection"
            if "Connect" in type(error).__name__ or isinstance(error, ConnectionRefusedError):
                reason = "cannot be reached"
            say = self.clean(str(error))
            says = f": {say}" if say else ""
            return Fault(f"{what}: {self.endpoint} {reason}{says}", _LATER, passing=True)
        return None

    def _odd(self, error: BaseException, what: str) -> Fault:
        """Say what is no fault of the network: an answer that no Hub gives."""
        said = self.clean(str(error) or type(error).__name__)
        kind = type(error).__name__
        return Fault(f"{what}: {self.endpoint} answers as no Hub does: {kind}: {said}", _ODD_HINT)


def chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an exception and its causes, the outermost first."""
    seen: BaseException | None = error
    for _ in range(10):
        if seen is None:
            return
        yield seen
        seen = seen.__cause__ or seen.__context__


def _status(error: BaseException) -> int | None:
    """Return the HTTP status of an exception that has one."""
    status = getattr(getattr(error, "response", None), "status_code", None)
    return status if isinstance(status, int) and status >= 400 else None


_LATER = "nothing was half done; the same command goes on when the Hub answers again"
_ODD_HINT = "see that --endpoint is the address of a Hub, path and all, and what its log says"
_MEANINGS = {
    400: ("does not take it", "see what it says; what is on the branch has not changed"),
    401: (
        "knows no such token",
        "give a token with rights on {repo}: --token-env NAME (of the Hub itself, HF_TOKEN too)",
    ),
    403: (
        "forbids it",
        "give a token with the right to write to {repo} (--token-env), or another --repo",
    ),
    404: (
        "has no such thing",
        "see --repo and --endpoint (path and all); a private repository needs a token",
    ),
    409: ("has something there already", "see what it says, then give the same command again"),
    413: (
        "says that it is too large",
        "export in files of over 10 MB, which travel by LFS one by one: --shard-size 100MB",
    ),
    429: ("asks for fewer requests", _LATER),
    507: ("has no room left", "free some space there; the same command goes on"),
}
