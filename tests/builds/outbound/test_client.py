"""Outgoing calls reach what they may, nothing else, and end in time."""

import socket
import ssl
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from builds.outbound import client
from builds.outbound.addresses import is_allowed
from builds.outbound.errors import DeliveryError
from tests.builds.outbound.servers import OK, answering, dripping, read_request, refusing, serving, silent

# Written so that a naive look at the text sees nothing of loopback in it.
DISGUISED = [
    "127.0.0.1",
    "127.1",
    "2130706433",
    "0x7f.1",
    "0177.0.0.1",
    "0",
    "localhost",
    "LOCALHOST",
    "[::1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "user:word@127.0.0.1",
]


@pytest.fixture
def allow(settings):
    def allow(*hosts: str) -> None:
        settings.OUTBOUND_ALLOWED_HOSTS = list(hosts)

    allow()
    return allow


@pytest.fixture
def names(monkeypatch):
    """A name server of our own: name -> list of answers, one a lookup, the last for ever. Counts the lookups."""
    real, answers, lookups = socket.getaddrinfo, {}, []

    def look_up(host, port, *arguments, **options):
        if host not in answers:
            return real(host, port, *arguments, **options)
        lookups.append(host)
        told = answers[host].pop(0) if len(answers[host]) > 1 else answers[host][0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in told]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    look_up.answers, look_up.lookups = answers, lookups
    return look_up


def test_an_exception_opens_what_it_names_and_nothing_else():
    allowed = ["chat.internal", "10.0.0.5:8080", "[fd00::5]:80"]
    assert is_allowed("chat.internal", "10.9.9.9", 443, allowed)
    assert is_allowed("CHAT.internal.", "10.9.9.9", 443, allowed)
    assert is_allowed("whatever.example", "10.0.0.5", 8080, allowed)
    assert is_allowed("fd00::5", "fd00::5", 80, allowed)
    assert not is_allowed("whatever.example", "10.0.0.5", 80, allowed)
    assert not is_allowed("10.0.0.6", "10.0.0.6", 8080, allowed)
    assert not is_allowed("other.internal", "10.9.9.9", 443, allowed)
    assert not is_allowed("fd00::5", "fd00::5", 81, allowed)
    assert not is_allowed("chat.internal.evil.example", "10.9.9.9", 443, allowed)


@pytest.mark.parametrize("host", DISGUISED)
def test_loopback_is_never_called_however_it_is_written(host, allow):
    with serving(refusing) as canary, serving(refusing, "::1") as canary6:
        for port in (canary.port, canary6.port):
            with pytest.raises(DeliveryError) as refusal:
                client.post(f"http://{host}:{port}/", json={})
            assert refusal.value.permanent
        assert canary.seen == canary6.seen == 0


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.com/",
        "file:///etc/passwd",
        "gopher://127.0.0.1/",
        "javascript:1",
        "//x",
        "",
        "http://",
        "http://[::1",
        "http://a:99999/",
    ],
)
def test_what_is_no_web_address_is_refused_for_good(url, allow):
    with pytest.raises(DeliveryError) as refusal:
        client.post(url, json={})
    assert refusal.value.permanent


def test_a_call_arrives_with_its_host_and_brings_the_answer_back(allow, names):
    requests = []
    with serving(answering(OK, requests)) as server:
        names.answers["hook.example.com"] = [["127.0.0.1"]]
        allow(f"hook.example.com:{server.port}")
        answer = client.post(f"http://hook.example.com:{server.port}/in?a=b", json={"text": "hi"})
    assert (answer.status, answer.body) == (200, b"ok")
    head, _, body = requests[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /in?a=b HTTP/1.1\r\n")
    assert f"Host: hook.example.com:{server.port}".encode() in head
    assert body == b'{"text": "hi"}'


def test_a_name_that_resolves_anew_gains_nothing(allow, names):
    with serving(answering(OK, [])) as server, serving(refusing, "127.0.0.9") as canary:
        allow(f"127.0.0.1:{server.port}")
        names.answers["rebind.example.com"] = [["127.0.0.1"], ["127.0.0.9"]]
        assert client.post(f"http://rebind.example.com:{server.port}/", json={}).status == 200
        assert names.lookups == ["rebind.example.com"]
        with pytest.raises(DeliveryError):
            client.post(f"http://rebind.example.com:{canary.port}/", json={})
        assert canary.seen == 0


def test_of_several_addresses_only_allowed_ones_are_called(allow, names):
    with serving(answering(OK, [])) as server, serving(refusing, "127.0.0.9"):
        allow("127.0.0.1")
        names.answers["many.example.com"] = [["127.0.0.9", "10.0.0.1", "127.0.0.1"]]
        assert client.post(f"http://many.example.com:{server.port}/", json={}).status == 200


def test_a_redirect_is_an_answer(allow):
    with serving(refusing) as canary:
        target = f"http://127.0.0.1:{canary.port}/".encode()
        moved = b"HTTP/1.1 307 Moved\r\nLocation: " + target + b"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        with serving(answering(moved, [])) as server:
            allow("127.0.0.1")
            assert client.post(f"http://127.0.0.1:{server.port}/", json={}).status == 307
        assert canary.seen == 0


def test_proxies_of_the_environment_are_not_used(allow, monkeypatch):
    with serving(answering(OK, [])) as server, serving(refusing) as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        allow(f"127.0.0.1:{server.port}")
        assert client.post(f"http://127.0.0.1:{server.port}/", json={}).status == 200
        assert proxy.seen == 0


def test_an_endless_answer_is_cut(allow):
    def endless(connection, over):
        read_request(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
        while not over.is_set():
            connection.sendall(b"x" * 65536)

    with serving(endless) as server:
        allow("127.0.0.1")
        answer = client.post(f"http://127.0.0.1:{server.port}/", json={})
    assert len(answer.body) == client.MOST_BYTES


def test_an_answer_that_stops_in_its_body_has_arrived(allow, monkeypatch):
    monkeypatch.setattr(client, "TOTAL_SECONDS", 0.5)

    def stopping(connection, over):
        read_request(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nx")
        over.wait(20)

    with serving(stopping) as server:
        allow("127.0.0.1")
        assert client.post(f"http://127.0.0.1:{server.port}/", json={}).status == 200


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("behaviour", [silent, dripping])
def test_a_server_that_never_ends_is_left(behaviour, scheme, allow, monkeypatch):
    monkeypatch.setattr(client, "TOTAL_SECONDS", 0.5)
    with serving(behaviour) as server:
        allow("127.0.0.1")
        with pytest.raises(DeliveryError) as late:
            client.post(f"{scheme}://127.0.0.1:{server.port}/", json={})
        assert not server.over.is_set()
    assert not late.value.permanent


def test_a_closed_port_is_tried_again(allow):
    with serving(refusing) as server:
        port = server.port
    allow("127.0.0.1")
    with pytest.raises(DeliveryError) as closed:
        client.post(f"http://127.0.0.1:{port}/", json={})
    assert not closed.value.permanent


def test_errors_never_show_the_address(allow):
    with pytest.raises(DeliveryError) as refusal:
        client.post("http://127.0.0.1:1/services/T0/secret", json={})
    assert "secret" not in str(refusal.value)


def test_tls_asks_for_the_name_that_was_typed_and_checks_it(allow, names, tmp_path):
    context, asked = _tls(tmp_path), []
    context.sni_callback = lambda _socket, name, _context: asked.append(name)

    def shake(connection, over):
        with context.wrap_socket(connection, server_side=True):
            pass

    with serving(shake) as server:
        names.answers["hook.example.com"] = [["127.0.0.1"]]
        allow("hook.example.com")
        with pytest.raises(DeliveryError, match="certificate"):
            client.post(f"https://hook.example.com:{server.port}/", json={})
    assert asked == ["hook.example.com"]


def _tls(folder):
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "other.example.com")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(now).not_valid_after(now + timedelta(days=1))
    certificate = builder.sign(key, hashes.SHA256())
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ) + certificate.public_bytes(serialization.Encoding.PEM)
    (folder / "server.pem").write_bytes(pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem")
    return context
