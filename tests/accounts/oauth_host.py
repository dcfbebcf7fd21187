"""A stand-in for the git hosts' log-in: checks what it is sent, and says what a test has it say."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

CLIENT_ID, CLIENT_SECRET = "the-client", secrets.token_urlsafe(16)


class OAuthHost(ThreadingHTTPServer):
    """One host: `answers` are what its API says, by path; `status` of a path makes it fail."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.answers: dict[str, object] = {}
        self.status: dict[str, int] = {}
        self.codes: dict[str, dict[str, str]] = {}
        self.tokens: set[str] = set()
        self.problems: list[str] = []

    def agree(self, address: str) -> dict[str, str]:
        """What a person who agrees brings back, as the host's page at `address` would have sent them."""
        asked = dict(parse_qsl(urlsplit(address).query))
        if asked["client_id"] != CLIENT_ID or asked["response_type"] != "code":
            self.problems.append(f"asked for with {asked}")
        code = secrets.token_urlsafe(8)
        self.codes[code] = asked
        return {"code": code, "state": asked["state"]}

    def token_for(self, sent: dict[str, str]) -> dict[str, str] | None:
        """The token for a code; a code is good once, for the client and the address that it was made for."""
        asked = self.codes.pop(sent.get("code", ""), None)
        right = asked is not None and (
            sent.get("client_id") == CLIENT_ID
            and sent.get("client_secret") == CLIENT_SECRET
            and sent.get("redirect_uri") == asked["redirect_uri"]
            and sent.get("grant_type") == "authorization_code"
        )
        if right and "code_challenge" in asked:
            digest = hashlib.sha256(sent.get("code_verifier", "").encode()).digest()
            right = base64.urlsafe_b64encode(digest).decode().rstrip("=") == asked["code_challenge"]
        if not right:
            self.problems.append(f"a token was asked for with {sorted(sent)}")
            return None
        token = secrets.token_urlsafe(8)
        self.tokens.add(token)
        return {"access_token": token, "token_type": "bearer"}


class _Handler(BaseHTTPRequestHandler):
    server: OAuthHost

    def do_POST(self) -> None:
        path = urlsplit(self.path).path
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        if path in self.server.status:
            return self._say(self.server.status[path], {})
        token = self.server.token_for({name: values[0] for name, values in parse_qs(body).items()})
        return self._say(200, token) if token else self._say(400, {"error": "invalid_grant"})

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        scheme, _, token = self.headers.get("Authorization", "").partition(" ")
        if scheme != "Bearer" or token not in self.server.tokens:
            self.server.problems.append(f"{path} without its token")
            return self._say(401, {})
        return self._say(self.server.status.get(path, 200), self.server.answers.get(path, {}))

    def _say(self, status: int, body: object) -> None:
        text = json.dumps(body).encode() if not isinstance(body, bytes) else body
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: object) -> None:
        """Quietly."""


@contextmanager
def oauth_host():
    """Runs one while the block lasts."""
    host = OAuthHost()
    thread = threading.Thread(target=host.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield host
    finally:
        host.shutdown()
        thread.join()
        host.server_close()


def query(**values: str) -> str:
    """As it stands in an address."""
    return urlencode(values)
