"""What a git host may answer instead of doing what it was asked: each error is a sentence for people, with the remedy.

ProviderError
  Unauthorized   the token is wrong, expired or revoked
  Forbidden      it is good, but may not do this; `missing` names the permission
  Missing        the repository (or what was asked of it) is not there, or not for this token
  Refused        the host understood and says no; asking again changes nothing
  Unavailable    no answer, or none that is understood: try again later
    RateLimited  too many calls: not before `until`
"""

from __future__ import annotations

from datetime import datetime


class ProviderError(Exception):
    """The git host did not do it; the text says why and what to do. It never holds a token."""


class Unauthorized(ProviderError):
    """The host does not know the token any more."""


class Forbidden(ProviderError):
    """The token lacks a permission."""

    def __init__(self, message: str, missing: str = "") -> None:
        super().__init__(message)
        self.missing = missing


class Missing(ProviderError):
    """It is gone, renamed beyond finding, or hidden from this token."""


class Refused(ProviderError):
    """The host says no for a reason of its own."""


class Unavailable(ProviderError):
    """The host is away or talks nonsense: later it may not."""


class RateLimited(Unavailable):
    """The host wants fewer calls."""

    def __init__(self, message: str, until: datetime) -> None:
        super().__init__(message)
        self.until = until
