"""A stand-in for a cluster: the API of Deployments, ReplicaSets and Pods over TLS, and a controller that goes on a step a look.

It answers as the API reference says, and refuses what the real one refuses: a token or certificate that it did not give (401), a
patch in no known form (415), what is there already (409), a selector that changes or that its own template does not fit (422).
"""

from __future__ import annotations

import copy
import datetime
import ipaddress
import json
import secrets
import ssl
import threading
import uuid
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

BASE = "/apis/apps/v1/namespaces/shop"


class Authority:
    """Certificates, made anew for every run."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _named("authority")
        self.pem = self._signed(self._name, self._key.public_key(), authority=True)

    def issue(self, name: str) -> tuple[str, str]:
        """(certificate, key) of somebody."""
        key = ec.generate_private_key(ec.SECP256R1())
        form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        return self._signed(_named(name), key.public_key()), key.private_bytes(*form).decode()

    def _signed(self, subject: x509.Name, key, *, authority: bool = False) -> str:
        now = datetime.datetime.now(datetime.UTC)
        names = x509.SubjectAlternativeName(
            [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
        )
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        )
        builder = builder if authority else builder.add_extension(names, critical=False)
        return builder.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


class Kubernetes:
    """Namespace "shop" with a Deployment "web" of 4 pods. A rollout takes two looks; `breaks` are releases that do not start."""

    def __init__(self, folder: Path) -> None:
        self.authority = Authority()
        self.token = secrets.token_hex(16)
        self.calls: list[tuple[str, str, str, object]] = []
        self.deployments: dict[str, dict] = {}
        self.replica_sets: list[dict] = []
        self.breaks: set[str] = set()
        self.stalls = False
        self._rules: dict[tuple[str, str], Callable[[], tuple[int, dict] | None]] = {}
        self.make(web())
        self._finish(self.deployments["web"])
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._server.socket = self._context(folder).wrap_socket(
            self._server.socket, server_side=True, do_handshake_on_connect=False
        )
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self._server.server_port}"

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def on(self, method: str, path: str, rule: Callable[[], tuple[int, dict] | None]) -> None:
        self._rules[method, path] = rule

    def asked(self, method: str) -> list[tuple[str, str, object]]:
        return [(path, kind, body) for verb, path, kind, body in self.calls if verb == method]

    def running(self) -> dict[str, int]:
        """Pods by the release of their template."""
        found: dict[str, int] = {}
        for one in self.replica_sets:
            if one["status"]["replicas"]:
                name = one["spec"]["template"]["metadata"].get("annotations", {}).get("ciservice/release", "by hand")
                found[name] = found.get(name, 0) + one["status"]["replicas"]
        return found

    def make(self, body: dict) -> tuple[int, dict]:
        name = body["metadata"]["name"]
        if name in self.deployments:
            return 409, _status(f'deployments.apps "{name}" already exists')
        if refused := _unfit(body):
            return refused
        body = copy.deepcopy(body)
        body["metadata"].update(uid=str(uuid.uuid4()), generation=1, resourceVersion="1", namespace="shop")
        body["metadata"].setdefault("annotations", {})["deployment.kubernetes.io/revision"] = "1"
        body["status"] = {}
        self.deployments[name] = body
        return 201, body

    def answer(self, method: str, path: str, query: dict, kind: str, body) -> tuple[int, dict]:
        rule = self._rules.get((method, path)) or self._rules.get(("*", "*"))
        if rule and (answer := rule()) is not None:
            return answer
        if method == "GET" and path == f"{BASE}/replicasets":
            return 200, {"items": [one for one in self.replica_sets if _fits(one, query)]}
        if method == "GET" and path == "/api/v1/namespaces/shop/pods":
            return 200, {"items": [one for one in self._pods() if _fits(one, query)]}
        if method == "POST" and path == f"{BASE}/deployments":
            return self.make(body) if kind == "application/json" else (415, _status("unsupported"))
        name = path.removeprefix(f"{BASE}/deployments/")
        there = self.deployments.get(name)
        if there is None:
            return 404, _status(f'deployments.apps "{name}" not found')
        return self._one(method, name, there, kind, body)

    def _one(self, method: str, name: str, there: dict, kind: str, body) -> tuple[int, dict]:
        if method == "GET":
            self._go_on(there)
            return 200, there
        if method == "DELETE":
            del self.deployments[name]
            self.replica_sets = [one for one in self.replica_sets if _owner(one) != there["metadata"]["uid"]]
            return 200, _status("deleted")
        new = copy.deepcopy(there)
        if method == "PUT":
            new["spec"], meta = body["spec"], body["metadata"]
            new["metadata"].update(labels=meta["labels"], annotations=meta["annotations"])
        elif kind == "application/strategic-merge-patch+json":
            _merge(new, body)
        elif kind == "application/json-patch+json":
            for one in body:
                _patch(new, one)
        else:
            return 415, _status(f"the body of the request was in an unknown format: {kind}")
        return self._changed(name, there, new)

    def _changed(self, name: str, there: dict, new: dict) -> tuple[int, dict]:
        if new["spec"]["selector"] != there["spec"]["selector"]:
            return 422, _status("spec.selector: Invalid value: field is immutable")
        if refused := _unfit(new):
            return refused
        if new["spec"] != there["spec"]:
            new["metadata"]["generation"] += 1
        self.deployments[name] = new
        return 200, new

    def _go_on(self, one: dict) -> None:
        """What the controller does between two looks: sees it, makes some pods, has them all."""
        status, wanted = one["status"], one["spec"].get("replicas", 1)
        if status.get("observedGeneration") != one["metadata"]["generation"]:
            status.update(observedGeneration=one["metadata"]["generation"], updatedReplicas=0, conditions=[])
            self._set_of(one)
            return
        if self.stalls:
            return
        if self._release(one) in self.breaks:
            self._set_of(one)["status"]["replicas"] = 1
            status.update(updatedReplicas=1, replicas=wanted + 1, availableReplicas=wanted)
            message = f'ReplicaSet "{one["metadata"]["name"]}-1" has timed out progressing.'
            gave_up = {
                "type": "Progressing",
                "status": "False",
                "reason": "ProgressDeadlineExceeded",
                "message": message,
            }
            status["conditions"] = [gave_up]
        elif status.get("updatedReplicas", 0) < wanted:
            self._set_of(one)["status"]["replicas"] = 1
            status.update(updatedReplicas=wanted, replicas=wanted + 1, availableReplicas=0)
        else:
            self._finish(one)

    def _finish(self, one: dict) -> None:
        wanted = one["spec"].get("replicas", 1)
        for other in self.replica_sets:
            if _owner(other) == one["metadata"]["uid"]:
                other["status"]["replicas"] = 0
        self._set_of(one)["status"]["replicas"] = wanted
        one["status"] = {
            "observedGeneration": one["metadata"]["generation"],
            "updatedReplicas": wanted,
            "replicas": wanted,
            "availableReplicas": wanted,
            "conditions": [{"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable"}],
        }

    def _set_of(self, one: dict) -> dict:
        """Its ReplicaSet of the template of now, made where there is none."""
        for other in self.replica_sets:
            template = copy.deepcopy(other["spec"]["template"])
            template["metadata"]["labels"].pop("pod-template-hash")
            if _owner(other) == one["metadata"]["uid"] and template == one["spec"]["template"]:
                return other
        template = copy.deepcopy(one["spec"]["template"])
        template["metadata"]["labels"]["pod-template-hash"] = secrets.token_hex(4)
        made = {
            "metadata": {
                "name": f"{one['metadata']['name']}-{len(self.replica_sets)}",
                "labels": template["metadata"]["labels"],
                "ownerReferences": [{"kind": "Deployment", "uid": one["metadata"]["uid"]}],
            },
            "spec": {"template": template},
            "status": {"replicas": 0},
        }
        self.replica_sets.append(made)
        return made

    def _pods(self) -> list[dict]:
        found = []
        for one in self.replica_sets:
            template = one["spec"]["template"]
            if (
                one["status"]["replicas"]
                and template["metadata"].get("annotations", {}).get("ciservice/release") in self.breaks
            ):
                waiting = {"reason": "CrashLoopBackOff", "message": "back-off 5m0s restarting failed container"}
                ended = {"exitCode": 137, "reason": "OOMKilled"}
                state = {"name": "web", "state": {"waiting": waiting}, "lastState": {"terminated": ended}}
                found.append({"metadata": template["metadata"], "status": {"containerStatuses": [state]}})
        return found

    def _release(self, one: dict) -> str:
        return one["spec"]["template"]["metadata"].get("annotations", {}).get("ciservice/release", "")

    def _context(self, folder: Path) -> ssl.SSLContext:
        certificate, key = self.authority.issue("server")
        for name, text in {"s.pem": certificate, "s.key": key, "ca.pem": self.authority.pem}.items():
            (folder / name).write_text(text)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "s.pem", folder / "s.key")
        context.load_verify_locations(folder / "ca.pem")
        context.verify_mode = ssl.CERT_OPTIONAL
        return context


def web() -> dict:
    """As `kubectl get deployment web -o json` has it, somewhat shorter."""
    containers = [
        {"name": "web", "image": "registry.example.com/shop:11", "env": [{"name": "KEEP", "value": "me"}]},
        {"name": "log", "image": "fluent:1"},
    ]
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "labels": {"team": "shop"}, "annotations": {"note": "stays"}},
        "spec": {
            "replicas": 4,
            "selector": {"matchLabels": {"app": "web"}},
            "strategy": {"type": "RollingUpdate"},
            "template": {"metadata": {"labels": {"app": "web", "tier": "front"}}, "spec": {"containers": containers}},
        },
    }


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])


def _status(message: str) -> dict:
    return {"kind": "Status", "apiVersion": "v1", "message": message}


def _unfit(body: dict) -> tuple[int, dict] | None:
    wanted, labels = body["spec"]["selector"]["matchLabels"], body["spec"]["template"]["metadata"]["labels"]
    if not wanted.items() <= labels.items():
        return 422, _status("spec.template.metadata.labels: Invalid value: `selector` does not match template `labels`")
    return None


def _owner(child: dict) -> str:
    return child["metadata"]["ownerReferences"][0]["uid"]


def _fits(one: dict, query: dict) -> bool:
    wanted = dict(pair.split("=") for pair in query["labelSelector"][0].split(","))
    return wanted.items() <= one["metadata"]["labels"].items()


def _merge(into: dict, changes: dict) -> None:
    for name, value in changes.items():
        if name == "containers":
            for change in value:
                _merge(next(one for one in into[name] if one["name"] == change["name"]), change)
        elif isinstance(value, dict):
            _merge(into.setdefault(name, {}), value)
        else:
            into[name] = value


def _patch(into: dict, operation: dict) -> None:
    assert operation["op"] in ("replace", "add")
    *parts, last = operation["path"].split("/")[1:]
    for part in parts:
        into = into[part]
    into[last] = operation["value"]


def _handler(cluster: Kubernetes) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            self.request.settimeout(30)
            super().setup()

        def handle(self) -> None:
            try:
                self.request.do_handshake()
                super().handle()
            except OSError:
                self.close_connection = True

        def _serve(self) -> None:
            parts = urlsplit(self.path)
            body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"null")
            kind = self.headers.get("Content-Type", "")
            cluster.calls.append((self.command, parts.path, kind, body))
            known = self.headers.get("Authorization") == f"Bearer {cluster.token}" or self.request.getpeercert()
            if known:
                status, value = cluster.answer(self.command, parts.path, parse_qs(parts.query), kind, body)
            else:
                status, value = 401, _status("Unauthorized")
            data = json.dumps(value).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve

        def log_message(self, *args) -> None:
            pass

    return Handler
