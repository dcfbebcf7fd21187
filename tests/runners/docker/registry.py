"""A registry of one image on this machine, which can be told to behave badly."""

from __future__ import annotations

import gzip
import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"


class Registry:
    """Serves any repository with the same image; `answers` says what a repository's manifests answer first."""

    def __init__(self, layer: bytes) -> None:
        self.answers: dict[str, list[tuple[int, str]]] = {}
        self.asked: list[str] = []
        config = {
            "architecture": "amd64",
            "os": "linux",
            "config": {"Env": ["PATH=/bin"], "Cmd": ["sh"]},
            "rootfs": {"type": "layers", "diff_ids": [_digest(layer)]},
        }
        self.blobs: dict[str, bytes] = {}
        self._manifest = json.dumps(
            {
                "schemaVersion": 2,
                "mediaType": MANIFEST,
                "config": self._blob("application/vnd.docker.container.image.v1+json", json.dumps(config).encode()),
                "layers": [self._blob("application/vnd.docker.image.rootfs.diff.tar.gzip", gzip.compress(layer, 1))],
            }
        ).encode()
        registry = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                registry.serve(self)

            do_HEAD = do_GET

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def serve(self, request: BaseHTTPRequestHandler) -> None:
        _, _, *words = request.path.split("/")
        if len(words) < 3:
            _answer(request, 200, b"{}", "application/json")
        elif words[-2] == "blobs":
            _answer(request, 200, self.blobs[words[-1]], "application/octet-stream")
        else:
            self._serve_manifest(request, words[0])

    def _serve_manifest(self, request: BaseHTTPRequestHandler, repository: str) -> None:
        self.asked.append(repository)
        if waiting := self.answers.get(repository):
            status, code = waiting.pop(0) if len(waiting) > 1 else waiting[0]
            if status != 200:
                body = json.dumps({"errors": [{"code": code, "message": code.lower().replace("_", " ")}]}).encode()
                return _answer(request, status, body, "application/json")
        return _answer(request, 200, self._manifest, MANIFEST)

    def _blob(self, kind: str, content: bytes) -> dict[str, object]:
        self.blobs[_digest(content)] = content
        return {"mediaType": kind, "size": len(content), "digest": _digest(content)}


def _answer(request: BaseHTTPRequestHandler, status: int, body: bytes, kind: str) -> None:
    request.send_response(status)
    request.send_header("Content-Type", kind)
    request.send_header("Content-Length", str(len(body)))
    request.send_header("Docker-Content-Digest", _digest(body))
    request.end_headers()
    if request.command == "GET":
        request.wfile.write(body)


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"
