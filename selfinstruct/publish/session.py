"""The client library, set up so that it keeps our promises.

Decides: that every request has a time limit, that the token goes to the named Hub alone, whatever
a server answers or redirects to, that nothing travels in the clear, and that threads of the client
stop when the program does. Does not know: what is asked.
"""

import logging
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from types import FrameType
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from selfinstruct.errors import HubError, HubLostError, InputError
from selfinstruct.publish.faults import Speech
from selfinstruct.publish.target import is_loopback, origin

_MISSING = "huggingface_hub is not installed, which speaks to a Hub"


class Terms(NamedTuple):
    """How a Hub is spoken to.

    `seconds` is how long it may keep silent; `insecure` lets data travel in the clear.
    """

    endpoint: str
    seconds: float = 120.0
    insecure: bool = False


def client_library() -> Any:  # noqa: ANN401 (typed where it is installed)
    """Return huggingface_hub; raise InputError where it is not installed."""
    try:
        import huggingface_hub.errors  # noqa: PLC0415 (an extra)
        import huggingface_hub.hf_api  # noqa: PLC0415
        import huggingface_hub.utils  # noqa: PLC0415
    except ImportError as error:
        hint = "pip install 'selfinstruct[publish]'"
        raise InputError(_MISSING, hint=hint) from error
    return huggingface_hub


def login() -> str | None:
    """Return the token that the client would send to the Hub itself: HF_TOKEN, or a login's."""
    found: str | None = client_library().get_token()
    return found


@contextmanager
def session(terms: Terms, speech: Speech, say: Callable[[str], None]) -> Iterator[None]:
    """Set up the client for one Hub, and put it back."""
    hub = client_library()
    stopped = threading.Event()

    def guard(request: Any) -> None:  # noqa: ANN401 (of httpx, in one of two versions)
        _guard(request, terms, stopped)

    before = hub.get_session()
    kind = type(before)
    hooks = before.event_hooks

    def guarded() -> object:
        requests = [*hooks.get("request", []), guard]
        client: object = kind(
            follow_redirects=True, timeout=terms.seconds, event_hooks={**hooks, "request": requests}
        )
        return client

    def as_before() -> object:
        client: object = kind(
            follow_redirects=before.follow_redirects, timeout=before.timeout, event_hooks=hooks
        )
        return client

    with ExitStack() as stack:
        stack.callback(hub.set_client_factory, as_before)
        hub.set_client_factory(guarded)
        stack.enter_context(_quiet_bars(hub))
        stack.enter_context(_told(say, speech))
        stack.enter_context(_stopping(stopped))
        yield


@contextmanager
def without_xet() -> Iterator[None]:
    """Let the client send large files by LFS: it never asks whether a server speaks xet."""
    from huggingface_hub import constants  # noqa: PLC0415 (an extra)

    before = constants.HF_HUB_DISABLE_XET
    constants.HF_HUB_DISABLE_XET = True
    try:
        yield
    finally:
        constants.HF_HUB_DISABLE_XET = before


def _guard(request: Any, terms: Terms, stopped: threading.Event) -> None:  # noqa: ANN401
    """Look at a request before it is sent, also one that a redirect leads to."""
    if stopped.is_set():
        raise HubLostError("stopped", hint="give the same command again")
    address = str(request.url)
    if origin(address) != origin(terms.endpoint):
        request.headers.pop("authorization", None)
    parts = urlsplit(address)
    if parts.scheme == "http" and not terms.insecure and not is_loopback(parts.hostname or ""):
        message = f"{terms.endpoint} sends us to http://{parts.netloc}, in the clear"
        raise HubError(message, hint="if that is as it should be, give --insecure-http")


@contextmanager
def _quiet_bars(hub: Any) -> Iterator[None]:  # noqa: ANN401
    """Turn off the client's own bars."""
    if hub.utils.are_progress_bars_disabled():
        yield
        return
    hub.utils.disable_progress_bars()
    try:
        yield
    finally:
        hub.utils.enable_progress_bars()


class _Told(logging.Handler):
    """Passes on what the client warns of, without secrets: addresses of uploads are signed."""

    def __init__(self, say: Callable[[str], None], speech: Speech) -> None:
        super().__init__(logging.WARNING)
        self._say = say
        self._speech = speech

    def emit(self, record: logging.LogRecord) -> None:
        self._say(self._speech.clean(record.getMessage()))


@contextmanager
def _told(say: Callable[[str], None], speech: Speech) -> Iterator[None]:
    """Take what the client would print."""
    logger = logging.getLogger("huggingface_hub")
    handlers, level = logger.handlers, logger.level
    logger.handlers = [_Told(say, speech)]
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.handlers = handlers
        logger.setLevel(level)


@contextmanager
def _stopping(stopped: threading.Event) -> Iterator[None]:
    """Set an event when a signal ends the program, before what the signal does otherwise.

    A thread that uploads would go on asking, and the program wait for it.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def stop(number: int, frame: FrameType | None) -> None:
        stopped.set()
        handler = before[signal.Signals(number)]
        if callable(handler):
            handler(number, frame)

    for number, handler in before.items():
        if callable(handler):
            signal.signal(number, stop)
    try:
        yield
    finally:
        for number, handler in before.items():
            if callable(handler):
                signal.signal(number, handler)
