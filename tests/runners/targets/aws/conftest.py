"""AWS on the loopback: moto's server, with rules in front of it for what moto does not play."""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import parse_qs

import boto3
import pytest
import requests
from moto.backends import get_backend
from moto.core.utils import service_name_from_moto_package_name
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

from runners.targets.contract import Delivery
from tests.runners.targets.releases import lay, release

REGION = "eu-central-1"
ACCOUNT = "123456789012"
WRONG_KEY = "AKIAWRONG"
_LOOKING = ("GET", "HEAD", "Get", "List", "Describe", "BatchGet")


@dataclass(frozen=True)
class Call:
    """One request: `name` is AWS's word for it ("UpdateService"), for S3 its method and path ("PUT /shop/a.txt")."""

    name: str
    request: Request
    form: dict[str, str] = field(default_factory=dict)

    @property
    def json(self) -> dict:
        return self.request.get_json(force=True)

    @property
    def scope(self) -> tuple[str, str, str]:
        """(key, region, service) that it is signed with."""
        credential = self.request.headers["Authorization"].partition("Credential=")[2].partition(",")[0]
        key, _, region, service, _ = credential.split("/")
        return key, region, service


class Aws:
    """`on(name, rule)`: the rule answers such calls; where it answers None, moto does."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.url = ""
        self.values = {
            "AWS_ACCESS_KEY_ID": "AKIA" + secrets.token_hex(8),
            "AWS_SECRET_ACCESS_KEY": secrets.token_hex(20),
        }
        self._rules: dict[str, Callable[[Call], Response | None]] = {}
        # moto looks at this machine's profile at its first error; later there may be one that a test made up.
        service_name_from_moto_package_name("s3")
        self._moto = DomainDispatcherApplication(create_backend_app)

    def __call__(self, environ, start_response):
        request = Request(environ)
        call = self._call(request)
        if not request.path.startswith("/moto-api"):
            self.calls.append(call)
        rule = self._rules.get(call.name) or self._rules.get("*")
        answer = rule(call) if rule else None
        if f"Credential={WRONG_KEY}/" in request.headers.get("Authorization", ""):
            answer = self._stranger(call)
        if answer is not None:
            return answer(environ, start_response)
        return self._moto(environ, start_response)

    def _call(self, request: Request) -> Call:
        if target := request.headers.get("X-Amz-Target"):
            request.get_data(cache=True)
            return self._rewound(Call(target.rpartition(".")[2], request))
        if request.content_type and "x-www-form-urlencoded" in request.content_type and request.method == "POST":
            form = {name: values[0] for name, values in parse_qs(request.get_data(cache=True).decode()).items()}
            if "Action" in form:
                return self._rewound(Call(form["Action"], request, form))
        return Call(f"{request.method} {request.path}", request)

    def _rewound(self, call: Call) -> Call:
        """What was read of the body is there for moto again."""
        body = call.request.get_data()
        call.request.environ["wsgi.input"] = _Body(body)
        return call

    def _stranger(self, call: Call) -> Response:
        """A key that nobody has, which moto would take."""
        if call.form:
            return xml_refusal("InvalidClientTokenId", "The security token included in the request is invalid.", 403)
        if "X-Amz-Target" in call.request.headers:
            return refusal("UnrecognizedClientException", "The security token included in the request is invalid.")
        return s3_refusal("InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records.")

    def changes(self) -> list[str]:
        """The calls that were to change something."""
        return [name for name in self.names() if not name.startswith(_LOOKING)]

    def on(self, name: str, rule: Callable[[Call], Response | None]) -> None:
        self._rules[name] = rule

    def names(self) -> list[str]:
        return [call.name for call in self.calls]

    def calls_of(self, name: str) -> list[Call]:
        return [call for call in self.calls if call.name == name]

    def forget(self) -> None:
        self._rules.clear()
        requests.post(f"{self.url}/moto-api/reset", timeout=30)
        self.calls.clear()

    def client(self, service: str):
        """The test's own, as somebody of the account."""
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name=REGION,
            aws_access_key_id="test",
            aws_secret_access_key=secrets.token_hex(20),
        )

    def backend(self, service: str):
        """moto's own state, where a test plays what happens in AWS."""
        return get_backend(service)[ACCOUNT][REGION]


class Place:
    """For the tests that all kinds share: settings of one, by a function that makes them."""

    def __init__(self, aws: Aws, target: ModuleType, make: Callable[..., Any], folder: Path) -> None:
        self.aws, self.target, self._folder = aws, target, folder
        self.settings = make()
        self.wrong = make(aws_access_key_id=WRONG_KEY, aws_secret_access_key=secrets.token_hex(20))
        self.away = make(endpoint_url="http://127.0.0.1:9")

    def release(self, number: int, **fields: object) -> Delivery:
        folder = lay(self._folder / str(number), {"index.html": str(number), "app.js": "1"})
        return release(folder, number, values=self.aws.values, **fields)

    def work(self) -> list[str]:
        return self.aws.changes()


class _Body:
    def __init__(self, body: bytes) -> None:
        self._body = body

    def read(self, size: int = -1) -> bytes:
        taken = self._body if size is None or size < 0 else self._body[:size]
        self._body = self._body[len(taken) :]
        return taken

    def readline(self, size: int = -1) -> bytes:
        end = self._body.find(b"\n") + 1 or len(self._body)
        return self.read(min(end, size) if size >= 0 else end)


class _Quiet(MotoRequestHandler):
    def log(self, type, message, *args) -> None:
        pass


@pytest.fixture(scope="session")
def aws_server():
    aws = Aws()
    server = make_server("127.0.0.1", 0, aws, threaded=True, request_handler=_Quiet)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, name="aws")
    thread.start()
    aws.url = f"http://127.0.0.1:{server.server_port}"
    yield aws
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def aws(aws_server):
    """An empty account."""
    aws_server.forget()
    return aws_server


def answer(value: dict) -> Response:
    """As AWS's JSON services answer."""
    return Response(json.dumps(value), content_type="application/x-amz-json-1.1")


def refusal(code: str, message: str, status: int = 400) -> Response:
    """As AWS's JSON services refuse."""
    return Response(
        f'{{"__type": "{code}", "message": "{message}"}}', status=status, content_type="application/x-amz-json-1.1"
    )


def xml_refusal(code: str, message: str, status: int = 400) -> Response:
    """As its query services refuse."""
    text = f"<ErrorResponse><Error><Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>"
    return Response(text, status=status, content_type="text/xml")


def s3_refusal(code: str, message: str, status: int = 403) -> Response:
    return Response(
        f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>{message}</Message></Error>",
        status=status,
        content_type="application/xml",
    )
