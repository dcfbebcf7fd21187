"""The HTTP API, /v2."""
