"""Logs: segments in storage, the live tail in Redis, streams to browsers."""
