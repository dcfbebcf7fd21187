"""Environments, releases, deployments and freezes in the API."""

from __future__ import annotations

from deployments.api import deployments, environments, figures, freezes, releases

ROUTERS = (environments.router, deployments.router, releases.router, freezes.router, figures.router)
