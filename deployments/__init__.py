"""Environments, releases, deployments: what happens after a build passed."""
