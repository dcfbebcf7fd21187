"""Makes a page of a view: which methods it knows, and that no cache keeps it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpResponseBase
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

View = Callable[..., HttpResponseBase]


def page(view: Any, *, posts: bool = True) -> View:
    """`view` for GET, and POST where it `posts`; what is posted shows in no report of an error."""
    methods = ["GET", "HEAD", "POST"] if posts else ["GET", "HEAD"]
    made: View = require_http_methods(methods)(never_cache(sensitive_post_parameters()(view)))
    return made
