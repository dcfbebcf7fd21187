"""The key of a cache: text with `{{ ... }}` words that stand for what the checkout and the job are.

checksum 'a' 'b/*.lock'   of the contents of these files; patterns as in `runners.gathering`
branch · commit · pipeline · arch
"""

from __future__ import annotations

import hashlib
import platform
import re
import shlex
from collections.abc import Mapping
from pathlib import Path

from runners.errors import SpecError
from runners.gathering import Most, check_pattern, find, open_beneath

MAX_KEY = 200
_HOLE = re.compile(r"\{\{(.{0,300}?)\}\}")
_WORDS = ("branch", "commit", "pipeline", "arch")
_MOST = Most(files=10_000, bytes=1 << 30)
_CHUNK = 1 << 20


def check_key(key: str) -> str:
    """Why this is no key; "" where it is one."""
    if not key or len(key) > MAX_KEY or not key.isprintable():
        return f"a key has 1 to {MAX_KEY} printable characters"
    if "{{" in _HOLE.sub("", key):
        return "a `{{` of the key is not closed by `}}`"
    return next((why for hole in _HOLE.findall(key) if (why := _check_hole(hole))), "")


def _check_hole(hole: str) -> str:
    try:
        word, *files = shlex.split(hole)
    except ValueError:
        return f"`{{{{{hole}}}}}` needs a word such as checksum 'package-lock.json'"
    if word == "checksum":
        return next((why for file in files if (why := check_pattern(file))), "" if files else "checksum needs a file")
    return "" if word in _WORDS and not files else f"a key knows checksum, {', '.join(_WORDS)}, and not `{word[:40]}`"


def filled(key: str, root: Path, facts: Mapping[str, str]) -> str:
    """The key with its words filled in; `facts` has branch, commit and pipeline. SpecError where it is no key."""
    if why := check_key(key):
        raise SpecError(f"The cache's key `{key[:80]}` cannot be used: {why}.")
    words = {**facts, "arch": platform.machine()}

    def value(hole: re.Match[str]) -> str:
        word, *files = shlex.split(hole[1])
        return _checksum(root, files) if word == "checksum" else words.get(word, "")

    return _HOLE.sub(value, key)[:1000]


def _checksum(root: Path, patterns: list[str]) -> str:
    """Of the paths and contents of what matches; a file that is not there counts as that."""
    digest = hashlib.sha256()
    for one in find(root, patterns, _MOST):
        digest.update(one.path.encode("utf-8", "surrogateescape") + b"\0" + str(one.size).encode() + b"\0")
        try:
            with open_beneath(root, one.path) as file:
                while chunk := file.read(_CHUNK):
                    digest.update(chunk)
        except OSError as error:
            raise SpecError(f"{one.path} cannot be read for the cache's key: {error.strerror}.") from None
    return digest.hexdigest()[:24]
