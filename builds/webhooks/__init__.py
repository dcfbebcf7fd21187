"""Webhooks: a request of a git host becomes a value of ours."""
