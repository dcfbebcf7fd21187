"""A git host that is not there: an HTTP server that checks what it is sent, and answers as the real one documents."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

COMMIT = "c" * 40
GONE = "d" * 40


@dataclass
class Repo:
    """A repository at the host."""

    id: str
    name: str
    private: bool = True
    admin: bool = True
    commits: tuple[str, ...] = (COMMIT,)


@dataclass
class Request:
    """What came in."""

    method: str
    path: str  # decoded
    query: dict[str, str]
    headers: object
    raw_path: str
    json: object = None


@dataclass
class Reply:
    """What goes out; `body` of bytes is sent as it is."""

    status: int
    body: object = None
    headers: dict[str, str] = field(default_factory=dict)


class Wrong(Exception):
    """The caller sent what the host would not take."""


class StandIn:
    """Repositories, hooks, keys and statuses in memory. `fault(request)` may answer instead; `complaints` is what was wrong."""

    token = "tok-9f8e7d6c5b4a"
    account = "deploy-bot"
    refused = 422

    def __init__(self) -> None:
        self.repositories = [Repo("101", "shop/api"), Repo("102", "shop/web", private=False)]
        self.hooks: dict[str, dict] = {}
        self.keys: dict[str, dict] = {}
        self.statuses: list[dict] = []
        self.requests: list[Request] = []
        self.complaints: list[str] = []
        self.fault: Callable[[Request], Reply | None] = lambda request: None
        self.over = threading.Event()
        self.last_id = 7000
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = False
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    def close(self) -> None:
        self.over.set()
        self._server.shutdown()
        self._thread.join(20)
        self._server.server_close()

    # what a host says of itself

    def check_caller(self, request: Request) -> Reply | None:
        """401 where the token is not ours."""
        raise NotImplementedError

    def routes(self) -> list[tuple[str, str, Callable]]:
        raise NotImplementedError

    def not_found(self) -> Reply:
        return Reply(404, {"message": "Not Found"})

    def check(self, truth: object, complaint: str) -> None:
        if not truth:
            raise Wrong(complaint)

    def new_id(self) -> str:
        self.last_id += 1
        return str(self.last_id)

    def named(self, name: str) -> Repo | None:
        return next((repo for repo in self.repositories if repo.name == name), None)

    def by_id(self, repo_id: str) -> Repo | None:
        return next((repo for repo in self.repositories if repo.id == repo_id), None)

    def called(self, method: str) -> list[str]:
        return [request.path for request in self.requests if request.method == method]

    # the server

    def _answer(self, request: Request) -> Reply:
        self.requests.append(request)
        if reply := self.fault(request):
            return reply
        if reply := self.check_caller(request):
            return reply
        for method, pattern, view in self.routes():
            if method == request.method and (match := re.fullmatch(pattern, request.path)):
                try:
                    return view(request, *match.groups()) or self.not_found()
                except Wrong as wrong:
                    self.complaints.append(f"{request.method} {request.path}: {wrong}")
                    return Reply(self.refused, {"message": "Validation Failed", "errors": [{"message": str(wrong)}]})
        self.complaints.append(f"{request.method} {request.path}: no such address at this host")
        return self.not_found()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        host = self

        class Handler(BaseHTTPRequestHandler):
            timeout = 10

            def _serve(self) -> None:
                parts = urlsplit(self.path)
                length = int(self.headers.get("Content-Length", 0))
                body = self.rfile.read(length)
                query = {name: values[0] for name, values in parse_qs(parts.query).items()}
                data = json.loads(body) if body else None
                request = Request(self.command, unquote(parts.path), query, self.headers, self.path, data)
                reply = host._answer(request)
                raw = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
                if reply.status == 204:
                    raw = b""
                self.send_response(reply.status)
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(raw)))
                self.end_headers()
                try:
                    self.wfile.write(raw)
                except OSError:
                    self.close_connection = True

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve

            def log_message(self, *arguments) -> None:
                pass

        return Handler


def page_of(items: list, request: Request, size: str, number: str = "page") -> list:
    """The items of the page that was asked for."""
    length, page = int(request.query.get(size, 30)), int(request.query.get(number, 1))
    return items[(page - 1) * length : page * length]


def text_of(body: object, name: str, most: int) -> str:
    """A text that has to be there, not longer than the host takes."""
    value = body.get(name) if isinstance(body, dict) else None
    if not isinstance(value, str) or not value or len(value) > most:
        raise Wrong(f"{name} is {value!r}")
    return value
