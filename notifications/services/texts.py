"""Texts of strangers, made fit for a header or one line."""

from __future__ import annotations

import unicodedata

_CONTROLS = {"Cc", "Cf", "Cs", "Zl", "Zp"}  # control, format (also right-to-left overrides), surrogates, separators


def one_line(text: str, limit: int) -> str:
    """`text` on one line: no control or invisible character, single spaces, `limit` characters at most."""
    visible = "".join(" " if unicodedata.category(letter) in _CONTROLS else letter for letter in text[: limit * 20])
    return shortened(" ".join(visible.split()), limit)


def block(text: str, limit: int) -> str:
    """Several lines, without control characters other than line breaks and tabs, `limit` characters at most."""
    kept = (c for c in text[:limit] if c in "\n\t" or unicodedata.category(c) not in _CONTROLS)
    return "".join(kept)


def shortened(text: str, limit: int) -> str:
    """`text`, or its beginning and an ellipsis."""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"
