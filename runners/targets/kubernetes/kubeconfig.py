"""A kubeconfig's text, read as a stranger's: nothing that it names is run, and no file of the runner's is read."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from runners.targets.contract import TargetError

_MOST = 256 << 10  # characters
_OF_CLUSTER = {"server", "certificate-authority-data", "tls-server-name", "disable-compression", "extensions"}
_OF_USER = {"token", "client-certificate-data", "client-key-data", "extensions"}
_INSTEAD = {
    "exec": "programs are not run on the runner: give a service account's `token`",
    "auth-provider": "programs are not run on the runner: give a service account's `token`",
    "certificate-authority": "files of the runner are not read: give `certificate-authority-data`",
    "client-certificate": "files of the runner are not read: give `client-certificate-data`",
    "client-key": "files of the runner are not read: give `client-key-data`",
    "tokenFile": "files of the runner are not read: give `token`",
    "insecure-skip-tls-verify": "a token is sent to nobody unknown: give `certificate-authority-data`",
}


@dataclass(frozen=True)
class Access:
    """How a cluster is reached. PEM texts and the token are secret."""

    server: str
    namespace: str = ""
    ca: str = field(default="", repr=False)  # "" = the machine's own certificates
    token: str = field(default="", repr=False)
    certificate: str = field(default="", repr=False)
    key: str = field(default="", repr=False)
    tls_server_name: str = ""


def access_of(text: str, context: str) -> Access:
    """What a kubeconfig says for a context, "" = its current one. TargetError names the key that cannot be used."""
    config = _loaded(text)
    chosen = context or str(config.get("current-context") or "")
    if not chosen:
        raise TargetError("The kubeconfig has no `current-context`: give `context`.")
    within = _named(config, "contexts", "context", chosen)
    cluster = _named(config, "clusters", "cluster", str(within.get("cluster") or ""))
    user = _named(config, "users", "user", str(within.get("user") or ""))
    _refuse_others(cluster, _OF_CLUSTER, "cluster")
    _refuse_others(user, _OF_USER, "user")
    access = Access(
        server=_text(cluster, "server"),
        namespace=_text(within, "namespace"),
        ca=_pem(cluster, "certificate-authority-data"),
        token=_text(user, "token"),
        certificate=_pem(user, "client-certificate-data"),
        key=_pem(user, "client-key-data"),
        tls_server_name=_text(cluster, "tls-server-name"),
    )
    if not access.token and not (access.certificate and access.key):
        raise TargetError(f"The kubeconfig's user of “{chosen}” has neither a token nor a certificate with its key.")
    return access


def _loaded(text: str) -> Mapping[str, Any]:
    if len(text) > _MOST:
        raise TargetError("The kubeconfig is larger than any is: does the secret hold its text?")
    try:
        config = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError, ValueError):
        # The parser's words quote the text, which is secret.
        raise TargetError("The kubeconfig is no YAML: does the secret hold its text, not a path to it?") from None
    if not isinstance(config, dict):
        raise TargetError("The kubeconfig is no kubeconfig: does the secret hold its text, not a path to it?")
    return config


def _named(config: Mapping[str, Any], many: str, one: str, name: str) -> Mapping[str, Any]:
    entries = config.get(many)
    for entry in entries if isinstance(entries, list) else []:
        if isinstance(entry, dict) and entry.get("name") == name and isinstance(entry.get(one), dict):
            found: Mapping[str, Any] = entry[one]
            return found
    raise TargetError(f"The kubeconfig has no {one} “{name[:100]}”.")


def _refuse_others(values: Mapping[str, Any], known: set[str], what: str) -> None:
    for key, value in values.items():
        if key not in known and value not in (None, "", False):
            why = _INSTEAD.get(str(key), "it is not supported here: leave it away")
            raise TargetError(f"The kubeconfig's {what} has `{str(key)[:100]}`: {why}.")


def _text(values: Mapping[str, Any], key: str) -> str:
    value = values.get(key)
    if value is not None and not isinstance(value, str):
        raise TargetError(f"The kubeconfig's `{key}` is no text.")
    return value or ""


def _pem(values: Mapping[str, Any], key: str) -> str:
    try:
        return base64.b64decode(_text(values, key), validate=True).decode("ascii")
    except (binascii.Error, ValueError):
        raise TargetError(f"The kubeconfig's `{key}` is no certificate or key in base64.") from None
