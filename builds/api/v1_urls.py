"""Addresses of CodeShip's API v1, below /api/v1/."""

from django.urls import path

from builds.api import v1

urlpatterns = [
    path("projects.json", v1.projects, name="v1_projects"),
    path("projects/<int:project_id>.json", v1.project, name="v1_project"),
    path("builds/<int:build_id>/restart.json", v1.restart, name="v1_restart"),
]
