"""A server reached with OpenAI's client.

Decides: where it is, which key it gets, and which of its faults may pass, concern one request,
or everything. Does not know: prompts, and what a reply means.

The key comes from the environment and goes nowhere else: what the server says is stripped of it.
"""

import asyncio
import os
import re
from collections.abc import Awaitable, Callable
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

from selfinstruct.engines.openai.replies import shown
from selfinstruct.engines.openai.retries import (
    RefusedError,
    TransientError,
    is_transient,
)
from selfinstruct.errors import EngineError, InputError
from selfinstruct.patience import asked_wait

KEY = "OPENAI_API_KEY"
URL = "OPENAI_BASE_URL"
DEFAULT_URL = "https://api.openai.com/v1"
EXAMPLE = "openai:MODEL@http://127.0.0.1:8000/v1"

CONNECT = 30.0
"""Seconds to reach a server, and for it to list its models."""

_SECRET = 8
"""Letters of the shortest key that is one: "EMPTY" and "x" stand where none is needed."""


def split_spec(model: str) -> tuple[str, str]:
    """Split MODEL@URL into the model's name and the URL of its server; raise InputError."""
    named = re.fullmatch(r"(?is)(.*)@(https?://.*)", model)
    name, url = (named[1], named[2]) if named else (model, os.environ.get(URL, "").strip())
    if not named and re.search(r"@(?:[^@]*://|[^@/]+:\d{1,5}(?:/|$))", name):
        # never to be sent to the default server
        raise InputError(f"not a URL in {model!r}", hint=f"for example: {EXAMPLE}")
    if not name.strip():
        raise InputError("the engine openai needs the name of a model", hint=f"e.g. {EXAMPLE}")
    return name, _checked(url or DEFAULT_URL)


def _checked(url: str) -> str:
    """Return a URL that requests can be made below; raise InputError for another."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        parts, usable = urlsplit(""), False
    if usable and "@" in parts.netloc:
        message = f"the URL of {parts.hostname} holds a user name or a password"
        raise InputError(message, hint=f"put the key into the environment variable {KEY}")
    if not usable or parts.query or parts.fragment or re.search(r"[\s\x00-\x1f]", url):
        shown_url = re.sub(r"//[^/]*@", "//", url).partition("?")[0]
        raise InputError(f"not the URL of a server: {shown_url!r}", hint=f"e.g. {EXAMPLE}")
    return url.rstrip("/")


class Remote:
    """A server, its key, and a client that is to be closed."""

    def __init__(self, url: str, timeout: float) -> None:
        self.url = url
        self._library = _library()
        self._key = _key()
        self._timeout = timeout
        self._client = self._library.AsyncOpenAI(
            api_key=self._key or "none",
            base_url=url,
            max_retries=0,
            timeout=self._library.Timeout(timeout, connect=min(timeout, CONNECT)),
        )

    async def models(self) -> bytes | None:
        """Return what GET /models answers; None where the server has no such list."""
        list_models = self._client.models.with_raw_response.list
        try:
            return await self._send(list_models, min(self._timeout, CONNECT))
        except RefusedError:
            return None

    async def complete(self, body: dict[str, Any], *, chat: bool) -> bytes:
        """Return what the server replies to a request."""
        if chat:
            create, head = self._client.chat.completions.with_raw_response.create, "messages"
        else:
            create, head = self._client.completions.with_raw_response.create, "prompt"
        required = {"model": body["model"], head: body[head]}
        rest = {name: value for name, value in body.items() if name not in required}

        async def call() -> Any:  # noqa: ANN401 (the client's raw response)
            return await create(**required, extra_body=rest)

        return await self._send(call, self._timeout, path=create_path(chat=chat))

    async def close(self) -> None:
        """Close all connections."""
        await self._client.close()

    async def _send(
        self, call: Callable[[], Awaitable[Any]], seconds: float, path: str = ""
    ) -> bytes:
        """Make one request and return the body of its response, with the key taken out."""
        library = self._library
        try:
            async with asyncio.timeout(seconds):
                response = await call()
            body: bytes = response.content
        except (TimeoutError, library.APITimeoutError):
            raise TransientError(f"no reply within {seconds:g} s") from None
        except library.APIStatusError as error:
            raise self._fault(error, path) from None
        except library.APIConnectionError as error:
            reason = self._shown(error.__cause__ or error) or "the connection broke"
            raise TransientError(reason) from None
        secret = self._key.encode()
        return body.replace(secret, b"[key]") if len(secret) >= _SECRET else body

    def _fault(self, error: Any, path: str) -> Exception:  # noqa: ANN401 (the library is lazy)
        """Tell what an HTTP status means: for now, for this request, or for all."""
        status: int = error.status_code
        said = self._shown(error.body or "")
        reason = f"HTTP {status}: {said}" if said else f"HTTP {status}"
        if is_transient(status):
            wait = asked_wait(error.response.headers)
            return TransientError(reason, status=status, at_least=wait)
        if status in (401, 403):
            hint = f"set the environment variable {KEY} to a key of this server"
            what = "does not accept the key" if self._key else "asks for a key"
            return EngineError(f"the server at {self.url} {what}: {reason}", hint=hint)
        if path and (hint := _remedy(status, said, str(getattr(error, "code", "")), path)):
            return EngineError(f"the server at {self.url} refuses {path}: {reason}", hint=hint)
        return RefusedError(reason)

    def _shown(self, said: object) -> str:
        """Return what a server said, with the key taken out."""
        return shown(said, secret=self._key if len(self._key) >= _SECRET else "")


def create_path(*, chat: bool) -> str:
    """Return the endpoint that makes completions."""
    return "/chat/completions" if chat else "/completions"


def _remedy(status: int, said: str, code: str, path: str) -> str:
    """Return what helps against a fault that every request of a run would meet; "" for others."""
    lower = said.lower()
    other = "completions" if path == create_path(chat=True) else "chat"
    if "chat template" in lower:
        return "the model has none: --engine-arg endpoint=completions"
    if code in ("unsupported_parameter", "unsupported_value"):
        return "the model does not take these sampling parameters: use another model"
    if status not in (404, 405):
        return ""
    if "model" in lower and "endpoint" not in lower:
        return "is the model's name right, and is it loaded?"
    return f"does the URL end in /v1? if it does: --engine-arg endpoint={other}"


def _library() -> ModuleType:
    """Import the client."""
    try:
        import openai  # noqa: PLC0415 (an extra, and slow to import)
    except ImportError as error:
        message = "the engine openai needs the package openai"
        hint = "install it with: pip install 'selfinstruct[openai]'"
        raise EngineError(message, hint=hint) from error
    return openai


def _key() -> str:
    """Return the key from the environment, "" where none is set."""
    key = os.environ.get(KEY, "").strip()
    if not (key.isascii() and key.isprintable()):
        message = f"the environment variable {KEY} holds characters that no key has"
        raise InputError(message, hint="copy the key again")
    return key
