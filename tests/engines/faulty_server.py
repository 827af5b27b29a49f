"""A server that speaks just enough of OpenAI's API, and fails on demand.

It runs in this process, on a port of its own, and answers a prompt with a text that follows from
the prompt alone. A plan says what happens to a request; every request for a completion is
counted, for each could have been paid for.
"""

import email.utils
import json
import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Plan = Callable[[str, int], str]
"""From a prompt and how often it has come (from 1) to a fault, "" for none."""

Body = dict[str, Any]

SECRET = "sk-correct-horse-battery-staple"  # noqa: S105 (the tests' own)
MODEL = "tiny/model:v1@x"

LISTS: dict[str, Body] = {
    "openai": {"id": MODEL, "owned_by": "somebody"},
    "vllm": {"id": MODEL, "owned_by": "vllm", "max_model_len": 4096},
    "llamacpp": {"id": "a.gguf", "owned_by": "llamacpp", "meta": {"n_ctx": 512}},
    "ollama": {"id": f"{MODEL}:latest", "owned_by": "library"},
}


def healthy(prompt: str, time: int) -> str:  # noqa: ARG001 (a plan)
    """Plan no fault."""
    return ""


def first(*faults: str) -> Plan:
    """Plan these faults for the first requests of every prompt."""
    return lambda _, time: faults[time - 1] if time <= len(faults) else ""


def written(prompt: str) -> str:
    """Return what the server writes after a prompt."""
    return f" and {prompt[::-1]} 写 👍🏽"


class FaultyServer(ThreadingHTTPServer):
    """The server; `requests`, `bodies`, `most_at_once` and `times` say what came."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(
        self,
        plan: Plan = healthy,
        *,
        kind: str = "openai",
        port: int = 0,
        write: Callable[[Body], str] = lambda body: written(asked(body)),
    ) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.plan = plan
        self.kind = kind
        self.write = write
        self.requests = self.at_once = self.most_at_once = self.gone = 0
        self.bodies: list[Body] = []
        self.times: Counter[str] = Counter()
        self.keys: list[str | None] = []
        self.lock = threading.Lock()
        self.released = threading.Event()
        self._connections: set[socket.socket] = set()
        self._thread = threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """Where its API is."""
        return f"http://127.0.0.1:{self.server_address[1]}/v1"

    @property
    def spec(self) -> str:
        """What to open: the model and the URL."""
        return f"{MODEL}@{self.url}"

    def get_request(self) -> tuple[socket.socket, Any]:
        """Keep a connection in mind, to break it."""
        connection, address = super().get_request()
        self._connections.add(connection)
        return connection, address

    def handle_error(self, request: object, client_address: object) -> None:
        """Print nothing: broken connections are what this server is for."""

    def die(self) -> None:
        """Go away as a killed process does: no port, no connections."""
        self.gone = 1
        self.released.set()
        self.shutdown()
        self.server_close()
        for connection in self._connections:
            hang_up(connection)
        self._thread.join()


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    wbufsize = 1 << 16  # head and body in one packet: the second would wait for an answer
    server: FaultyServer

    def log_message(self, *_: object) -> None:
        """Print nothing."""

    def do_GET(self) -> None:
        """List the models."""
        self.server.keys.append(self.headers["Authorization"])
        if self.server.kind == "silent":
            self.server.released.wait(30)
        elif self.path == "/v1/models" and self.server.kind in LISTS:
            self.send(200, {"object": "list", "data": [LISTS[self.server.kind]]})
        elif self.server.kind == "html":
            self.send(200, "<html>welcome</html>")
        elif self.server.kind.isdigit():
            status = int(self.server.kind)
            self.server.kind = "openai" if status == 503 else self.server.kind
            self.send(status, {"error": {"message": f"no: {self.headers['Authorization']}"}})
        else:
            self.send(404, {"detail": "Not Found"})

    def do_POST(self) -> None:
        """Complete a prompt, or fail as planned."""
        server = self.server
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        prompt = asked(body)
        with server.lock:
            server.requests += 1
            server.at_once += 1
            server.most_at_once = max(server.most_at_once, server.at_once)
            server.times[prompt] += 1
            server.bodies.append(body)
            time = server.times[prompt]
        try:
            self.answer(body, server.plan(prompt, time))
        finally:
            with server.lock:
                server.at_once -= 1

    def answer(self, body: Body, fault: str) -> None:
        """Reply, with a fault: its name, and after a colon its measure."""
        name, _, measure = fault.partition(":")
        if name == "delay":
            self.server.released.wait(float(measure))
        if name == "drop" or self.server.gone:
            self.close_connection = True
            hang_up(self.connection)
        elif name in BROKEN:
            self.send(200, BROKEN[name])
        elif name == "truncate":
            self.send(200, reply(body, self.server.write(body)), share=0.5)
        elif name.isdigit():
            said = measure or f"fault, Authorization: {self.headers['Authorization']}"
            self.send(int(name), {"error": {"message": said, "code": name}})
        elif name in ("after", "after-ms", "date"):
            self.send(429, {"error": {"message": "slower"}}, wait=(name, float(measure)))
        elif name == "finish":
            self.send(200, reply(body, "some", finish=measure))
        else:
            self.send(200, reply(body, self.server.write(body)))

    def send(
        self,
        status: int,
        content: Body | str,
        *,
        share: float = 1,
        wait: tuple[str, float] | None = None,
    ) -> None:
        """Send a response, or the first share of it."""
        data = (content if isinstance(content, str) else json.dumps(content)).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        if wait:
            name, seconds = wait
            now = email.utils.parsedate_to_datetime(self.date_time_string()).timestamp()
            form = {
                "after": ("Retry-After", f"{seconds:g}"),
                "after-ms": ("Retry-After-Ms", f"{seconds * 1000:g}"),
                "date": ("Retry-After", email.utils.formatdate(now + seconds, usegmt=True)),
            }[name]
            self.send_header(*form)
        self.end_headers()
        with suppress(OSError):  # the client has gone
            self.wfile.write(data[: int(len(data) * share)])
        if share < 1:
            self.close_connection = True


BROKEN: dict[str, Body | str] = {
    "invalid": '{"choices": [{"te',
    "html": "<html>gateway</html>",
    "list": "[]",
    "empty": {"choices": []},
    "none": {"choices": None, "error": {"message": "overloaded"}},
    "textless": {"choices": [{"finish_reason": "stop"}]},
    "null": {"choices": [{"finish_reason": "stop", "message": {"content": None}, "text": None}]},
}
"""Bodies that are no reply, each sent with status 200."""


def asked(body: Body) -> str:
    """Return the prompt in a request: its text, or its last message."""
    text: str = body["prompt"] if "prompt" in body else body["messages"][-1]["content"]
    return text


def reply(body: Body, text: str, *, finish: str = "stop") -> Body:
    """Return the body of a reply."""
    choice: Body = {"index": 0, "finish_reason": finish}
    choice |= {"text": text} if "prompt" in body else {"message": {"content": text}}
    details = {"cached_tokens": 2}
    usage = {"prompt_tokens": 5, "completion_tokens": 7, "prompt_tokens_details": details}
    return {"id": "x", "choices": [choice], "usage": usage}


def hang_up(connection: socket.socket) -> None:
    """End a connection, whatever is under way on it."""
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


@contextmanager
def serving(plan: Plan = healthy, **more: Any) -> Iterator[FaultyServer]:  # noqa: ANN401
    """Run a server while a test does."""
    server = FaultyServer(plan, **more)
    try:
        yield server
    finally:
        if not server.gone:
            server.die()
