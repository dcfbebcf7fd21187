"""Pages of lists, as CodeShip pages them: page from 1, total in the body, a Link header."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Annotated, Any, Protocol
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest, JsonResponse
from ninja import Query, Schema
from pydantic import Field

MOST_PER_PAGE = 50


class PageAsked(Schema):
    """Which page, and how long one is; more than 50 a page are 50."""

    page: int = Field(1, ge=1, le=1_000_000)
    per_page: int = Field(30, ge=1, le=1_000_000)


Paging = Annotated[PageAsked, Query()]


class Rows(Protocol):
    """What pages are cut from: a query set of dicts, or what counts and cuts quicker."""

    def count(self) -> int:
        """How many there are."""

    def __getitem__(self, places: slice, /) -> Iterable[dict[str, Any]]:
        """Those at `places`."""


class Listed:
    """A list that pages are cut from."""

    def __init__(self, rows: list[dict[str, Any]]) -> None:
        self._rows = rows

    def count(self) -> int:
        """How many there are."""
        return len(self._rows)

    def __getitem__(self, places: slice) -> list[dict[str, Any]]:
        """Those at `places`."""
        return self._rows[places]


def page_of(
    request: HttpRequest,
    rows: Rows,
    paging: PageAsked,
    name: str,
    shape: Callable[[dict[str, Any]], dict[str, Any]],
) -> JsonResponse:
    """One page of `rows` as JSON: {name: [shape(row), ...], "total", "per_page", "page"}; two queries at most."""
    per_page = min(paging.per_page, MOST_PER_PAGE)
    total = rows.count()
    first = (paging.page - 1) * per_page
    shown = [shape(row) for row in rows[first : first + per_page]] if first < total else []
    response = JsonResponse({name: shown, "total": total, "per_page": per_page, "page": paging.page})
    response.headers["Link"] = _links(request.path, paging.page, per_page, total)
    return response


def _links(path: str, page: int, per_page: int, total: int) -> str:
    last = max(1, -(-total // per_page))
    pages = {"first": 1, "prev": page - 1, "next": page + 1, "last": last}
    base = f"{settings.PUBLIC_URL}{path}"
    return ", ".join(
        f'<{base}?{urlencode({"page": number, "per_page": per_page})}>; rel="{rel}"'
        for rel, number in pages.items()
        if 1 <= number <= last
    )
