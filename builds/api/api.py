"""The API as a whole: its parts, its document, and what its errors look like."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError
from ninja.openapi.schema import OpenAPISchema
from ninja.router import BoundRouter

from builds.api import (
    approvals,
    artifacts,
    audit,
    builds,
    events,
    halts,
    insights,
    jobs,
    logs,
    organizations,
    pipelines,
    pipelines_kept,
    plan,
    projects,
    runners,
    secrets,
    secrets_told,
    tests,
    tokens,
)
from builds.api.auth import TokenAuth
from builds.api.document import complete
from builds.api.rate import RateLimitError, refuse


class _Api(NinjaAPI):
    def _get_bound_routers(self) -> list[BoundRouter]:
        """Tell the door of each operation which it is: there is no other place where ninja has all of them."""
        is_new = self._bound_routers_cache is None
        routers = super()._get_bound_routers()
        views = (view for router in routers for view in router.path_operations.values()) if is_new else ()
        for operation in (operation for view in views for operation in view.operations):
            doors = operation.auth_callbacks
            operation.auth_callbacks = [
                door.of(operation.operation_id or "") if isinstance(door, TokenAuth) else door for door in doors
            ]
        return routers

    def get_openapi_schema(self, **of: Any) -> OpenAPISchema:
        """The document, whole."""
        schema = super().get_openapi_schema(**of)
        complete(schema)
        return schema


# No page of documentation: the content security policy allows none of its scripts.
api = _Api(
    title="ciservice",
    version="2",
    description="CodeShip's API v2, with more beside it.",
    docs_url=None,
    urls_namespace="api",
    auth=TokenAuth(),
)
for part in (
    *(organizations, audit, tokens, projects, pipelines_kept, insights, secrets, secrets_told),
    *(builds, pipelines, approvals, artifacts, tests, plan, logs, events, jobs),
    *(runners, halts),
):
    api.add_router("", part.router)


def _errors(status: int, *messages: str) -> HttpResponse:
    return JsonResponse({"errors": list(messages)}, status=status)


@api.exception_handler(AuthenticationError)
def unauthorized(request: HttpRequest, error: AuthenticationError) -> HttpResponse:
    """No valid token or password."""
    return JsonResponse({"error": "Unauthorized"}, status=401, headers={"WWW-Authenticate": 'Bearer realm="ciservice"'})


@api.exception_handler(RateLimitError)
def too_many(request: HttpRequest, error: RateLimitError) -> HttpResponse:
    """Too many requests of one token in a minute."""
    return refuse(error)


@api.exception_handler(ValidationError)
def invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:
    """A field at fault, each with its place."""
    return _errors(400, *(_sentence(found) for found in error.errors[:20]))


def _sentence(found: dict[str, Any]) -> str:
    place = ".".join(str(part) for part in found["loc"][1:] if part not in {"paging", "asked"})
    return f"{place}: {found['msg']}" if place else str(found["msg"])


@api.exception_handler(HttpError)
def refused(request: HttpRequest, error: HttpError) -> HttpResponse:
    """A refusal with its sentence."""
    return _errors(error.status_code, error.message)


@api.exception_handler(PermissionDenied)
def forbidden(request: HttpRequest, error: PermissionDenied) -> HttpResponse:
    """A right that the token's person lacks."""
    return _errors(403, str(error))


@api.exception_handler(Http404)
def missing(request: HttpRequest, error: Http404) -> HttpResponse:
    """Not there, or not theirs."""
    return _errors(404, "Not found")
