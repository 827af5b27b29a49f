"""A Hub on this machine, real enough for huggingface_hub, `hf` and datasets, that fails on demand.

It keeps every request with its headers, so that tests can say what was sent where.
"""

import json
import re
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

from hub.store import Store

TOKEN = "hf_correctHorseBatteryStaple"  # noqa: S105 (the tests' own)
READER = "hf_mayOnlyReadHere"


class Request(NamedTuple):
    """What came in: the path without the Hub's prefix, headers by their small names."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: bytes

    @property
    def line(self) -> str:
        """Method and path, which faults are matched with."""
        return f"{self.method} {self.path}"

    def json(self) -> Any:  # noqa: ANN401
        """Return the body as JSON."""
        return json.loads(self.body)


class Response(NamedTuple):
    """What goes out: JSON, or bytes."""

    status: int
    content: Any = None
    headers: dict[str, str] = {}  # noqa: RUF012 (never changed)


class Fault(NamedTuple):
    """What happens to requests whose line matches a pattern, so many times.

    `what` is a status ("503", or "429:2" with Retry-After), "drop" (the connection breaks while
    the request is read), "lose" (it breaks when the work is done), "slow:SECONDS", "hang" (until
    the server stops), "html", or "call" (of `action`, before the work is done).
    """

    pattern: str
    what: str
    times: int = 1
    action: Callable[[], object] = lambda: None


class LoopbackHub(ThreadingHTTPServer):
    """The server; stopped by whoever has started it."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(self, prefix: str = "") -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.prefix = prefix
        self.store = Store()
        self.store.users = {TOKEN: "writer", READER: "reader"}
        self.requests: list[Request] = []
        self.faults: list[Fault] = []
        self.verify_at = ""
        self.xet = ""
        self.calls_itself = ""
        self.redirect: dict[str, str] = {}
        self.page = 1000
        self.released = threading.Event()
        self._left: dict[int, int] = {}
        self._connections: set[socket.socket] = set()
        self._thread = threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    @property
    def origin(self) -> str:
        """Scheme, host and port."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    @property
    def url(self) -> str:
        """Its endpoint."""
        return self.origin + self.prefix

    def get_request(self) -> tuple[socket.socket, Any]:
        """Keep a connection in mind, to break it at the end."""
        connection, address = super().get_request()
        self._connections.add(connection)
        return connection, address

    def handle_error(self, request: object, client_address: object) -> None:
        """Print nothing: broken connections are what this server is for."""

    def stop(self) -> None:
        """End everything, also what hangs."""
        self.released.set()
        self.shutdown()
        self.server_close()
        for connection in self._connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()
        self._thread.join()

    def fail(self, *faults: Fault) -> None:
        """Plan faults; each is used up."""
        self.faults = list(faults)
        self._left = {place: fault.times for place, fault in enumerate(faults)}

    def fault_of(self, line: str) -> Fault | None:
        """Return what happens to a request, and count it."""
        with self.store.lock:
            for place, fault in enumerate(self.faults):
                if self._left[place] > 0 and re.search(fault.pattern, line):
                    self._left[place] -= 1
                    return fault
        return None

    def lines(self, pattern: str = "") -> list[str]:
        """Return the lines of the requests so far that match a pattern."""
        return [one.line for one in list(self.requests) if re.search(pattern, one.line)]


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    wbufsize = 1 << 16  # head and body in one packet
    server: LoopbackHub

    def log_message(self, *_: object) -> None:
        """Print nothing."""

    def do_GET(self) -> None:
        """Answer any method."""
        split = urlsplit(self.path)
        path = split.path
        fault = self.server.fault_of(f"{self.command} {path}")
        what, _, measure = (fault.what if fault else "").partition(":")
        if what == "drop":
            self.rfile.read(int(self.headers.get("Content-Length") or 0) // 2)
            self.hang_up()
            return
        request = Request(
            self.command,
            path.removeprefix(self.server.prefix),
            parse_qs(split.query),
            {name.lower(): value for name, value in self.headers.items()},
            self.body(),
        )
        self.server.requests.append(request)
        if what in ("slow", "hang"):
            self.server.released.wait(float(measure or 60))
        elif what == "call" and fault:
            fault.action()
        if what.isdigit():
            headers = {"Retry-After": measure} if measure else {}
            said = f"planned, with {self.headers['Authorization']}"
            self.send(Response(int(what), {"error": said}, headers))
            return
        if what == "html":
            self.send(Response(200, b"<html>Welcome to the airport</html>"))
            return
        answer = self.answered(request)
        if what == "lose":
            self.hang_up()
            return
        self.send(answer)

    do_HEAD = do_POST = do_PUT = do_DELETE = do_GET  # noqa: N815 (as the library names them)

    def answered(self, request: Request) -> Response:
        """Do what a request asks for."""
        from hub.routes import route

        if other := self.server.redirect.get(request.path):
            return Response(307, {}, {"Location": other + self.path})
        if not self.path.startswith(self.server.prefix + "/"):
            return Response(404, {"error": "outside of the endpoint"})
        return route(self.server, request)

    def body(self) -> bytes:
        """Read the body, in whichever form it comes."""
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        found = b""
        while size := int(self.rfile.readline().partition(b";")[0], 16):
            found += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return found

    def send(self, answer: Response) -> None:
        """Write an answer."""
        is_raw = isinstance(answer.content, bytes)
        data = answer.content if is_raw else json.dumps(answer.content).encode()
        kind = "application/octet-stream" if is_raw else "application/json; charset=utf-8"
        if is_raw and data.startswith(b"<html>"):
            kind = "text/html"
        with suppress(OSError):  # the client has gone
            self.send_response(answer.status)
            given = {"Content-Type": kind, "Content-Length": str(len(data)), **answer.headers}
            for name, value in given.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(data)

    def hang_up(self) -> None:
        """Break the connection."""
        self.close_connection = True
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)


def wait_for(condition: Callable[[], object], seconds: float = 20) -> None:
    """Wait until a condition holds; fail when it does not in time."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.005)


def decoded(path: str) -> str:
    """Return a part of a path as it was before it was quoted."""
    return unquote(path)
