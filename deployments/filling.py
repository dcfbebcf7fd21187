"""Fills the places that the app below leaves for what is deployed, in pages and API."""

from __future__ import annotations

from ninja import NinjaAPI

from builds.views import slots
from deployments.api import router
from deployments.views.slots import build_page, project_row


def fill(api: NinjaAPI) -> None:
    """To be called once, by a process that serves pages, before the API's addresses are first asked for."""
    slots.register("project_row", project_row)
    slots.register("build_page", build_page)
    api.add_router("", router)
