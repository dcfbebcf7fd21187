"""Fills the places that the app below leaves for what is deployed, in pages and API."""

from __future__ import annotations

from builds.api.api import api
from builds.views import slots
from deployments.api import router
from deployments.views.slots import build_page, project_row


def fill() -> None:
    """To be called once, by a process that serves pages: the API and what it needs are several megabytes."""
    slots.register("project_row", project_row)
    slots.register("build_page", build_page)
    api.add_router("", router)
