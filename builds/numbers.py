"""Whole numbers out of addresses, where anybody can write anything."""

from __future__ import annotations


def whole(text: str, digits: int) -> int | None:
    """`text` as a number of at most `digits` digits, none of them but 0 to 9; None where it is anything else."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= digits else None
