"""Builds on a person's own machine: no server, no settings, the runner's own engine."""
