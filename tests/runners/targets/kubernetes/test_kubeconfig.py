"""A kubeconfig is a stranger's: it reaches a cluster, and nothing of the runner."""

from __future__ import annotations

import base64
import json

import pytest

from runners.targets.contract import TargetError
from runners.targets.kubernetes.kubeconfig import access_of
from runners.targets.kubernetes.settings import Settings
from runners.targets.kubernetes.target import deliver
from tests.runners.targets.kubernetes.standin import Kubernetes
from tests.runners.targets.releases import Log, release


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def kubeconfig(*, cluster=None, user=None, **fields) -> str:
    """JSON is YAML."""
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "shop",
            "contexts": [{"name": "shop", "context": {"cluster": "c", "user": "u", "namespace": "shop"}}],
            "clusters": [{"name": "c", "cluster": {"server": "https://k", **(cluster or {})}}],
            "users": [{"name": "u", "user": {"token": "t"} if user is None else user}],
            **fields,
        }
    )


@pytest.fixture
def cluster(tmp_path):
    cluster = Kubernetes(tmp_path)
    yield cluster
    cluster.stop()


@pytest.mark.parametrize("by", ["token", "certificate"])
def test_it_reaches_the_cluster_by_token_or_certificate(cluster, tmp_path, by):
    certificate, key = cluster.authority.issue("deployer")
    users = {
        "token": {"token": cluster.token},
        "certificate": {"client-certificate-data": encoded(certificate), "client-key-data": encoded(key)},
    }
    text = kubeconfig(
        cluster={"server": cluster.url, "certificate-authority-data": encoded(cluster.authority.pem)}, user=users[by]
    )
    settings = Settings(deployment="web", container="web", image="shop:12")
    deliver(settings, release(tmp_path, values={"KUBECONFIG_TEXT": text}), Log())
    assert cluster.running() == {"12": 4}


def test_a_context_may_be_chosen():
    other = {"name": "other", "context": {"cluster": "c", "user": "u", "namespace": "else"}}
    first = {"name": "shop", "context": {"cluster": "c", "user": "u"}}
    text = kubeconfig(contexts=[first, other])
    assert access_of(text, "other").namespace == "else"
    assert access_of(text, "").namespace == ""
    with pytest.raises(TargetError, match="no context “typo”"):
        access_of(text, "typo")
    with pytest.raises(TargetError, match="no `current-context`: give `context`"):
        access_of(kubeconfig(**{"current-context": ""}), "")


@pytest.mark.parametrize(
    ("part", "said"),
    [
        ({"user": {"exec": {"command": "/bin/sh", "args": ["-c", "touch {marker}"]}}}, r"`exec`: programs are not run"),
        ({"user": {"auth-provider": {"name": "gcp"}}}, r"`auth-provider`: programs are not run"),
        ({"user": {"tokenFile": "/etc/hostname"}}, r"`tokenFile`: files of the runner are not read"),
        ({"user": {"client-certificate": "/etc/x"}}, r"`client-certificate`: files of the runner"),
        ({"user": {"client-key": "/etc/x", "token": "t"}}, r"`client-key`: files of the runner"),
        ({"user": {"username": "ann", "password": "x"}}, r"`username`: it is not supported here"),
        ({"cluster": {"certificate-authority": "/etc/x"}}, r"`certificate-authority`: files of the runner"),
        ({"cluster": {"insecure-skip-tls-verify": True}}, r"`insecure-skip-tls-verify`: a token is sent to nobody"),
        ({"cluster": {"proxy-url": "http://x"}}, r"`proxy-url`: it is not supported here"),
        ({"cluster": {"certificate-authority-data": "%%"}}, r"no certificate or key in base64"),
        ({"cluster": {"server": ["x"]}}, r"`server` is no text"),
        ({"user": {}}, r"neither a token nor a certificate"),
        ({"users": "u"}, r"no user “u”"),
    ],
)
def test_what_would_run_or_read_on_the_runner_is_refused_by_name(tmp_path, part, said):
    marker = tmp_path / "was-run"
    text = kubeconfig(**part).replace("{marker}", str(marker))
    settings = Settings(deployment="web", image="shop:12", kubeconfig=text)
    with pytest.raises(TargetError, match=said):
        deliver(settings, release(tmp_path), Log())
    assert not marker.exists()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("/home/ann/.kube/config", "does the secret hold its text, not a path"),
        ("{hidden-word: [", "is no YAML"),
        ("!!python/object/apply:os.system [touch /tmp/x]", "is no YAML"),
        ("[" * 100_000, "is no YAML"),
        ("x" * 300_000, "larger than any is"),
    ],
    ids=["path", "broken", "tag", "deep", "large"],
)
def test_what_is_no_kubeconfig_is_said_without_its_text(text, said):
    with pytest.raises(TargetError, match=said) as caught:
        access_of(text, "")
    assert "hidden-word" not in str(caught.value)


def test_without_any_the_secret_is_named(tmp_path):
    with pytest.raises(TargetError, match="no secret KUBECONFIG_TEXT"):
        deliver(Settings(deployment="web", image="shop:12"), release(tmp_path), Log())
