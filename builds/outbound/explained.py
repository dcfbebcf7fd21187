"""What went wrong with a call, as one sentence for people, without the address, which may hold a secret."""

from __future__ import annotations

import logging
import ssl
from collections.abc import Iterator

import requests
from urllib3.exceptions import SSLError

from builds.outbound.errors import DeliveryError

log = logging.getLogger(__name__)

# OpenSSL's numbers, X509_V_ERR_*.
_CERTIFICATE = {
    9: "The server's certificate is not good yet",
    10: "The server's certificate has expired",
    23: "The server's certificate was withdrawn",
    62: "The server's certificate is for another name",
    64: "The server's certificate is for another address",
}
_UNTRUSTED = "The server's certificate is not trusted: no authority that is known here has signed it"


def explained(error: Exception) -> DeliveryError:
    """The error to raise instead of one of requests, urllib3 or the sockets."""
    causes = list(_causes(error))
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return DeliveryError(_CERTIFICATE.get(cause.verify_code, _UNTRUSTED))
    if any(isinstance(cause, (ssl.SSLError, SSLError)) for cause in causes):
        return DeliveryError("The server does not speak TLS as it should")
    if isinstance(error, ValueError) and not isinstance(error, requests.exceptions.ConnectionError):
        return DeliveryError("This is not an address", permanent=True)
    log.info("outbound call failed: %s", type(error).__name__)
    return DeliveryError("The connection failed")


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and everything that it was made of: by `raise`, or by handing it on."""
    waiting, seen = [error], set()
    while waiting:
        each = waiting.pop(0)
        if id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        made_of = (each.__cause__, each.__context__, getattr(each, "reason", None), *each.args)
        waiting += [part for part in made_of if isinstance(part, BaseException)]
