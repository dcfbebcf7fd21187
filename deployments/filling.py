"""Fills the places that the pages of builds leave for what is deployed; imported once, when the app is ready."""

from __future__ import annotations

from builds.views import slots
from deployments.views.slots import build_page, project_row

slots.register("project_row", project_row)
slots.register("build_page", build_page)
