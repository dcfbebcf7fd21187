"""Steps in Docker containers; the only package that imports docker."""
