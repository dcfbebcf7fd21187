"""Addresses of the HTTP API, below /v2/. Its tokens let people in, not the log-in pages."""

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import URLPattern, path, re_path
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from builds.api.api import api


@csrf_exempt
@login_not_required
def no_such_route(request: HttpRequest, rest: str) -> HttpResponse:
    """What is no route of the API is absent in JSON, too."""
    return JsonResponse({"errors": ["Not found"]}, status=404)


_routes = api.urls
for _route in _routes[0]:
    if isinstance(_route, URLPattern):
        login_not_required(_route.callback)
        if _route.name == "openapi-json":
            _route.callback = require_safe(_route.callback)

urlpatterns = [path("", _routes), re_path(r"^(?P<rest>.*)$", no_such_route, name="api_no_such_route")]
