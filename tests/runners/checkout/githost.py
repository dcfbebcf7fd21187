"""A git host on this machine: the smart HTTP protocol in front of real repositories, and every way to misbehave."""

from __future__ import annotations

import contextlib
import os
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.servers import command_lines


class GitHost:
    """`mode` is "ok", a status code, "hang", "slow", "reset", or "redirect" (to `target`)."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.mode: str | int = "ok"
        self.failures_left: int | None = None  # after so many it is well again; None = never
        self.target = ""
        self.requests: list[str] = []
        self.released = threading.Event()
        host = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                host.answer(self)

            do_POST = do_GET

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = False
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,))
        self.thread.start()

    @property
    def port(self) -> int:
        return self.server.server_port

    def url(self, name: str, host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}/{name}"

    def close(self) -> None:
        self.released.set()
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        self.requests.append(request.path)
        mode = self.mode
        if mode != "ok" and self.failures_left is not None:
            if self.failures_left <= 0:
                mode = "ok"
            self.failures_left -= 1
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # some tests want the client to go away
            self._answer(request, mode)

    def _answer(self, request: BaseHTTPRequestHandler, mode: str | int) -> None:
        if isinstance(mode, int):
            request.send_error(mode)
        elif mode == "hang":
            self.released.wait(60)
        elif mode == "redirect":
            request.send_response(302)
            request.send_header("Location", self.target + request.path)
            request.end_headers()
        elif mode == "slow":
            request.send_response(200)
            request.send_header("Content-Type", "application/x-git-upload-pack-advertisement")
            request.end_headers()
            while not self.released.wait(0.3):
                request.wfile.write(b"0")
                request.wfile.flush()
        else:
            self._serve(request, cut=mode == "reset" and request.command == "POST")

    def _serve(self, request: BaseHTTPRequestHandler, *, cut: bool) -> None:
        path, _, query = request.path.partition("?")
        length = int(request.headers.get("Content-Length") or 0)
        environment = {
            "PATH": os.environ["PATH"],
            "GIT_PROJECT_ROOT": str(self.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "safe.directory",
            "GIT_CONFIG_VALUE_0": "*",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "REQUEST_METHOD": request.command,
            "CONTENT_TYPE": request.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(length),
            "HTTP_CONTENT_ENCODING": request.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": request.headers.get("Git-Protocol", ""),
        }
        body = request.rfile.read(length)
        done = subprocess.run(["git", "http-backend"], env=environment, input=body, capture_output=True, timeout=30)
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        fields = [line.partition(": ") for line in head.decode().split("\r\n")]
        status = next((value for name, _, value in fields if name == "Status"), "200 OK")
        request.send_response(int(status.split()[0]))
        for name, _, value in fields:
            if name != "Status":
                request.send_header(name, value)
        request.send_header("Content-Length", str(len(content)))
        request.end_headers()
        request.wfile.write(content[: len(content) // 2] if cut else content)


def processes_asking(port: int) -> list[int]:
    """The git processes of this machine that talk to the host."""
    return [pid for pid, line in command_lines().items() if f":{port}/".encode() in line and b"git" in line]


def names_below(folder: Path, port: int) -> list[str]:
    """What the process that talks to the host sees of a folder, two levels deep."""
    inner = Path(f"/proc/{max(processes_asking(port))}/root{folder}")
    return sorted(str(path.relative_to(inner)) for depth in ("*", "*/*") for path in inner.glob(depth))
