"""Behind proxies: the address that counts is the one that the outermost proxy of ours saw."""

from __future__ import annotations

import pytest
from django.core.exceptions import MiddlewareNotUsed
from django.http import HttpResponse
from django.test import RequestFactory

from ciservice.proxies import ProxiesMiddleware


def seen(**headers: str) -> str:
    request = RequestFactory().get("/", REMOTE_ADDR="127.0.0.1", **headers)
    ProxiesMiddleware(lambda _: HttpResponse())(request)
    return request.META["REMOTE_ADDR"]


def test_without_proxies_it_stands_in_nobodys_way(settings):
    settings.TRUSTED_PROXIES = 0
    with pytest.raises(MiddlewareNotUsed):
        ProxiesMiddleware(lambda _: HttpResponse())


@pytest.mark.parametrize(
    ("proxies", "told", "address"),
    [
        (1, "192.0.2.7", "192.0.2.7"),
        (1, "6.6.6.6, 192.0.2.7", "192.0.2.7"),  # what the visitor wrote there is not believed
        (2, "6.6.6.6, 192.0.2.7, 10.0.0.1", "192.0.2.7"),
        (2, "192.0.2.7", "127.0.0.1"),
        (1, "2001:db8::1", "2001:db8::1"),
        (1, "nonsense", "127.0.0.1"),
        (1, "", "127.0.0.1"),
    ],
)
def test_only_what_proxies_of_ours_wrote_is_believed(settings, proxies, told, address):
    settings.TRUSTED_PROXIES = proxies
    assert seen(HTTP_X_FORWARDED_FOR=told) == address
