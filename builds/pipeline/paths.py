"""Paths in configuration files: relative to the file's folder, and never out of the checkout."""

from __future__ import annotations

import posixpath

from builds.pipeline.report import clean


class PathError(ValueError):
    """The path does not lie in the checkout; the text says why."""


def inside(base: str, path: str) -> str:
    """`path`, written in a file in the folder `base`, as a normal path relative to the checkout. Raises PathError."""
    shown = clean(path, 80)
    if path.startswith("/"):
        raise PathError(f"`{shown}` is a path of the host: only paths of the checkout can be used")
    if path.startswith("~"):
        raise PathError(f"`{shown}` is in a home folder of the host: only paths of the checkout can be used")
    joined = posixpath.normpath(posixpath.join(base, path or "."))
    if joined == ".." or joined.startswith("../"):
        raise PathError(f"`{shown}` climbs out of the checkout")
    return joined


def folder_of(file: str) -> str:
    """The folder that a file of the checkout lies in; "" = the top."""
    return posixpath.dirname(file)
