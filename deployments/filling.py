"""Fills the places that the app below leaves for what is deployed, in pages and API."""

from __future__ import annotations

from ninja import NinjaAPI

from builds.services.measure import also
from builds.views import slots
from deployments.api import ROUTERS
from deployments.secrets_api import router as secrets_router
from deployments.services.measure import measure
from deployments.views.secrets import of_settings
from deployments.views.slots import build_page, project_row


def fill(api: NinjaAPI) -> None:
    """To be called once, by a process that serves pages, before the API's addresses are first asked for."""
    also(measure)
    slots.register("project_row", project_row)
    slots.register("build_page", build_page)
    slots.register("project_settings", of_settings)
    for router in ROUTERS:
        api.add_router("", router)
    api.add_router("", secrets_router)
