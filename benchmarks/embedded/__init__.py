"""Measured on `ciservice up`: builds in Docker beside the raw work of git and docker."""
