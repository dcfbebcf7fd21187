"""OpenID Connect, as far as clouds need it to verify the tokens of jobs: who issues them, and with which keys."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, JsonResponse
from django.urls import reverse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from builds.services.id_tokens import CLAIMS
from builds.services.signing_keys import ALGORITHM, key_set

# Whoever keeps an answer asks again soon enough to know a new key when they meet it.
_KEPT_SECONDS = 300


@login_not_required
@require_safe
@cache_control(public=True, max_age=_KEPT_SECONDS)
def configuration(request: HttpRequest) -> JsonResponse:
    """What OpenID Connect Discovery 1.0 asks for."""
    return JsonResponse(
        {
            "issuer": settings.PUBLIC_URL,
            "jwks_uri": settings.PUBLIC_URL + reverse("oidc_keys"),
            "response_types_supported": ["id_token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": [ALGORITHM],
            "scopes_supported": ["openid"],
            "claims_supported": CLAIMS,
        }
    )


@login_not_required
@require_safe
@cache_control(public=True, max_age=_KEPT_SECONDS)
def keys(request: HttpRequest) -> JsonResponse:
    """The public keys, those of tokens that may still be shown included."""
    return JsonResponse(key_set())
