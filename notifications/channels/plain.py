"""Texts of strangers, made fit for chats."""

from __future__ import annotations

import re

_EDGE = "\u200b"  # a zero-width space takes the edge off a mention, a link or an address
_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+\-.!|~>])")


def neutral(text: str) -> str:
    """`text` with nothing in it that a chat takes for a mention, a link or code."""
    plain = text.replace("`", "'").replace("@", f"@{_EDGE}").replace("](", f"]{_EDGE}(")
    return plain.replace("://", f":{_EDGE}//")


def markdown(text: str) -> str:
    """`text` as Markdown that shows it and does nothing else."""
    return _MARKDOWN.sub(r"\\\1", neutral(text).replace("&", "&amp;").replace("<", "&lt;"))


def fenced(text: str, limit: int) -> str:
    """The end of some lines as a block of code; "" where there are none."""
    inside = text[-limit:].replace("```", "'''").replace("@", f"@{_EDGE}")
    return f"```\n{inside}\n```" if inside else ""
