"""A stand-in for Heroku's API, its store for sources and its rendezvous: real HTTP, and TLS, on the loopback.

It answers as the Platform API reference says, and refuses what the real one refuses: another `Accept`, a key that is not
the app's, fields that it does not know (422), an upload that does not match its checksum (the build fails).
"""

from __future__ import annotations

import hashlib
import io
import json
import secrets
import socket
import ssl
import tarfile
import threading
import uuid
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

VERSION = "application/vnd.heroku+json; version=3"
BUILD_FIELDS = {"url", "checksum", "version", "version_description"}
Answer = tuple[int, object]


class Heroku:
    """The app "shop". `on(method, path, rule)`: a rule that answers with (status, JSON) goes before the stand-in."""

    def __init__(self) -> None:
        self.key = secrets.token_hex(16)
        self.calls: list[tuple[str, str, object]] = []
        self.builds: list[dict] = []
        self.releases: list[dict] = []
        self.blobs: dict[str, bytes] = {}
        self.dynos: list[dict] = []
        self.output = b"-----> Building\n\0-----> Done: \xc3\xa9\n"
        self.build_ends, self.release_ends = "succeeded", "succeeded"
        self.pages: list[int] = []
        self.rendezvous: Rendezvous | None = None
        self._rules: dict[tuple[str, str], Callable[[object], Answer | None]] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def on(self, method: str, path: str, rule: Callable[[object], Answer | None]) -> None:
        self._rules[method, path] = rule

    def asked(self, method: str, path: str) -> list[object]:
        return [body for verb, where, body in self.calls if (verb, where) == (method, path)]

    def files(self, number: int = -1) -> set[str]:
        """Names in the sources that the build was made of."""
        blob = self.builds[number]["source_blob"]["url"].rpartition("/")[2]
        with tarfile.open(fileobj=io.BytesIO(self.blobs[blob])) as archive:
            return set(archive.getnames())

    def release(self, *, slug: str, description: str) -> dict:
        for one in self.releases:
            one["current"] = False
        made = {
            "id": str(uuid.uuid4()),
            "version": len(self.releases) + 1,
            "status": "pending",
            "current": True,
            "slug": {"id": slug},
            "description": description,
        }
        self.releases.append(made)
        return made

    def answer(self, method: str, path: str, body: object, headers) -> Answer:
        self.calls.append((method, path, body))
        rule = self._rules.get((method, path)) or self._rules.get(("*", "*"))
        if rule and (answer := rule(body)) is not None:
            return answer
        if headers["Accept"] != VERSION:
            return 406, {"id": "not_acceptable", "message": "Version is needed."}
        if headers["Authorization"] != f"Bearer {self.key}":
            return 401, {"id": "unauthorized", "message": "Invalid credentials provided."}
        if not path.startswith(("/apps/shop", "/sources")):
            return 404, {"id": "not_found", "message": "Couldn't find that app."}
        return self._known(method, path.removeprefix("/apps/shop"), body, headers)

    def _known(self, method: str, path: str, body, headers) -> Answer:
        match method, path.split("/"):
            case "GET", [""]:
                return 200, {"name": "shop", "web_url": f"{self.url}/page"}
            case "POST", ["", "sources"]:
                name = secrets.token_hex(8)
                blob = f"{self.url}/blob/{name}"
                return 201, {"source_blob": {"put_url": blob, "get_url": blob}}
            case "GET", ["", "builds"]:
                assert headers["Range"].startswith("updated_at ..; max=")
                return 206, self.builds[::-1]
            case "POST", ["", "builds"]:
                return self._build(body)
            case "GET", ["", "builds", identity]:
                return self._look_at_build(next(one for one in self.builds if one["id"] == identity))
            case "GET", ["", "releases"]:
                assert headers["Range"].startswith("version ..; max=")
                return 206, self.releases[::-1]
            case "POST", ["", "releases"]:
                return self._release(body)
            case "GET", ["", "releases", identity]:
                one = next(one for one in self.releases if one["id"] == identity)
                one["status"] = self.release_ends if one["status"] == "pending" else one["status"]
                return 200, one
            case "POST", ["", "dynos"]:
                return self._dyno(body)
        return 404, {"id": "not_found", "message": f"Couldn't find {method} {path}."}

    def _build(self, body) -> Answer:
        if set(body) != {"source_blob"} or not set(body["source_blob"]) <= BUILD_FIELDS:
            return 422, {"id": "invalid_params", "message": "Unknown field."}
        build = {
            "id": str(uuid.uuid4()),
            "status": "pending",
            "source_blob": body["source_blob"],
            "output_stream_url": f"{self.url}/output",
            "slug": None,
            "release": None,
            "looks": 0,
        }
        self.builds.append(build)
        return 201, build

    def _look_at_build(self, build: dict) -> Answer:
        build["looks"] += 1
        if build["status"] == "pending" and build["looks"] > 1:
            blob = self.blobs.get(build["source_blob"]["url"].rpartition("/")[2], b"")
            whole = build["source_blob"]["checksum"] == f"SHA256:{hashlib.sha256(blob).hexdigest()}"
            build["status"] = self.build_ends if whole else "failed"
            if build["status"] == "succeeded":
                build["slug"] = {"id": str(uuid.uuid4())}
                text = f"Deploy {build['source_blob']['version'][:8]}"
                build["release"] = {"id": self.release(slug=build["slug"]["id"], description=text)["id"]}
        return 200, build

    def _release(self, body) -> Answer:
        if set(body) == {"release"}:
            then = next((one for one in self.releases if one["id"] == body["release"]), None)
            if then is None:
                return 422, {"id": "invalid_params", "message": "No such release."}
            made = self.release(slug=then["slug"]["id"], description=f"Rollback to v{then['version']}")
            return 201, made
        if not set(body) <= {"slug", "description"}:
            return 422, {"id": "invalid_params", "message": "Unknown field."}
        return 201, self.release(slug=body["slug"], description=body["description"])

    def _dyno(self, body) -> Answer:
        if not set(body) <= {"command", "attach", "force_no_tty", "time_to_live", "size", "type", "env"}:
            return 422, {"id": "invalid_params", "message": "Unknown field."}
        self.dynos.append(body)
        return 201, {"attach_url": self.rendezvous.url if self.rendezvous else "https://ssh", "name": "run.1"}


class Rendezvous:
    """One dyno waits behind TLS; `script(secret)` gives what it says, in pieces, before it hangs up."""

    def __init__(self, certificate: str, key: str) -> None:
        self.secret = secrets.token_hex(8)
        self.pieces: list[bytes] = []
        self.hangs_up = True
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        self._over = threading.Event()
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve, args=(context,))
        self._thread.start()

    @property
    def url(self) -> str:
        return f"rendezvous://localhost:{self._socket.getsockname()[1]}/{self.secret}"

    def _serve(self, context: ssl.SSLContext) -> None:
        try:
            plain, _ = self._socket.accept()
            with plain, context.wrap_socket(plain, server_side=True) as link:
                if link.recv(1024) != f"{self.secret}\r\n".encode():
                    return
                for piece in [b"rendezvous\r\n", *self.pieces]:
                    link.sendall(piece)
                if not self.hangs_up:
                    self._over.wait(30)
        except OSError:
            return

    def stop(self) -> None:
        self._over.set()
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join()


def _handler(heroku: Heroku) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if self.path.startswith("/blob/"):
                self._blob(body)
            elif self.path == "/output":
                self._output()
            elif self.path.startswith("/page"):
                heroku.calls.append(("GET", self.path, self.headers.get("Authorization")))
                self._send(heroku.pages.pop(0) if len(heroku.pages) > 1 else (heroku.pages or [200])[0], b"")
            else:
                status, value = heroku.answer(self.command, self.path, json.loads(body or b"null"), self.headers)
                self._send(status, json.dumps(value).encode())

        do_GET = do_POST = do_PUT = _serve

        def _blob(self, body: bytes) -> None:
            # A signature covers the type; the key belongs to the API alone.
            ok = not self.headers.get("Content-Type") and "Authorization" not in self.headers
            heroku.blobs[self.path.rpartition("/")[2]] = body
            self._send(200 if ok else 403, b"")

        def _output(self) -> None:
            assert "Authorization" not in self.headers
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for piece in (heroku.output[:20], heroku.output[20:], b""):
                self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))

        def _send(self, status: int, data: bytes) -> None:
            self.send_response(status)
            if status == 429:
                self.send_header("Retry-After", "0")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *args) -> None:
            pass

    return Handler
