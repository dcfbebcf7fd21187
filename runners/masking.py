"""Hides secrets in a stream of bytes, however it is cut, also where they come encoded.

Double encodings pass: masking guards against accidents, not against a step that wants to tell.
"""

from __future__ import annotations

import base64
import copy
import json
import re
import shlex
import threading
from collections.abc import Iterable, Iterator
from urllib.parse import quote, quote_plus

import re2

from runners.errors import SpecError

MARK = b"[hidden]"
LEAST_LENGTH = 4  # shorter values would hide half of every log; the settings page warns below 8
# Of what is learned on the way: more would make every line of the log slow. A value has about four forms.
MOST_NEEDLES = 6000
MOST_NEEDLE_BYTES = 2 * 1024 * 1024
_BASE64_LINE = 57  # bytes that fill one line of 76 characters, as base64(1) wraps


class _Needles:
    """What is looked for, ready to be searched. Never changed: a stream works with one of them at a time."""

    def __init__(self, needles: frozenset[bytes]) -> None:
        self.all = needles
        self.longest = max(map(len, needles), default=0)
        self.pattern = _pattern(needles)
        self._heads = _pattern({needle[:LEAST_LENGTH] for needle in needles})
        self._by_head: dict[bytes, list[bytes]] = {}
        for needle in needles:
            self._by_head.setdefault(needle[:LEAST_LENGTH], []).append(needle)
        self._beginnings = {needle[:length] for needle in needles for length in range(1, LEAST_LENGTH)}

    def first_open(self, data: bytes) -> int:
        """The first place from which the data could be the beginning of a secret that goes on; its length if none."""
        at = max(len(data) - self.longest + 1, 0)
        while (found := self._heads.search(data, at)) is not None:
            start: int = found.start()
            if any(_begins(needle, data, start) for needle in self._by_head[found.group()]):
                return start
            at = start + 1
        for start in range(max(len(data) - LEAST_LENGTH + 1, 0), len(data)):
            if data[start:] in self._beginnings:
                return start
        return len(data)


class _Known:
    """What all streams of one job hide; it only grows."""

    def __init__(self, needles: frozenset[bytes]) -> None:
        self._lock = threading.Lock()
        self.needles = _Needles(needles) if needles else None

    def add(self, needles: frozenset[bytes]) -> None:
        with self._lock:
            before = self.needles.all if self.needles else frozenset()
            together = before | needles
            if len(together) > MOST_NEEDLES or sum(map(len, together)) > MOST_NEEDLE_BYTES:
                raise SpecError("The job has more secret values than its log can hide: encrypt fewer or shorter ones.")
            if together != before:
                self.needles = _Needles(together)


class Masker:
    """One stream's mask: `feed` it all bytes in order, then `flush`.

    It holds back only bytes that may be the beginning of a secret, so that a prompt is seen at once. Values that
    overlap are hidden together, under one mark. `learn` may be called from any thread at any time.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        self._known = _Known(needles_of(secrets))
        self._held = b""
        self._covered = 0  # leading bytes of `_held` that belong to a mark which is out already

    def learn(self, secrets: Iterable[str]) -> None:
        """Hide these, too, from the next bytes on: in this stream and in every other made with `anew`.

        SpecError where that is too much: nothing of it is known then.
        """
        self._known.add(needles_of(secrets))

    def anew(self) -> Masker:
        """The same mask for another stream: what is known is shared, what is held back is not."""
        other = copy.copy(self)
        other._held, other._covered = b"", 0
        return other

    def whole(self, text: str) -> str:
        """A text as a whole, apart from the stream."""
        masker = self.anew()
        return (masker.feed(text.encode(errors="replace")) + masker.flush()).decode(errors="replace")

    def feed(self, chunk: bytes) -> bytes:
        """What may be shown now."""
        needles = self._known.needles
        if needles is None:
            return chunk
        data = self._held + chunk if self._held else chunk
        return self._release(needles, data, needles.first_open(data))

    def flush(self) -> bytes:
        """The rest: no more bytes will come."""
        needles = self._known.needles
        return self._release(needles, self._held, len(self._held)) if needles and self._held else b""

    def _release(self, needles: _Needles, data: bytes, cut: int) -> bytes:
        """Everything before `cut`, masked; from there on it is held, and searched again with what follows."""
        out: list[bytes] = []
        done = self._covered
        for start, end in _spans(needles, data, cut):
            if start >= done:
                out += [data[done:start], MARK]
            done = max(done, end)
        if done < cut:
            out.append(data[done:cut])
        self._covered = max(done - cut, 0)
        self._held = data[cut:]
        return b"".join(out)


def _spans(needles: _Needles, data: bytes, cut: int) -> Iterator[tuple[int, int]]:
    """Every hit that begins before `cut`, in order, the longest of each place; they may overlap."""
    at = 0
    while (found := needles.pattern.search(data, at)) is not None and found.start() < cut:
        yield found.span()
        at = found.start() + 1


def _begins(needle: bytes, data: bytes, start: int) -> bool:
    """Whether the data from `start` to its end is a true beginning of `needle`."""
    length = len(data) - start
    return length < len(needle) and needle.startswith(data[start:])


def needles_of(secrets: Iterable[str]) -> frozenset[bytes]:
    """Every form in which the values are looked for; each has at least LEAST_LENGTH bytes that are not white space."""
    found = {form for secret in secrets if len(secret.strip()) >= LEAST_LENGTH for form in _forms(secret)}
    return frozenset(form for form in found if len(form.strip()) >= LEAST_LENGTH)


def _forms(secret: str) -> Iterator[bytes]:
    for text in dict.fromkeys((secret, secret.strip(), secret.replace("\r\n", "\n"))):
        raw = text.encode(errors="surrogateescape")
        yield raw
        yield raw.replace(b"\n", b"\r\n")
        yield from _base64_forms(raw)
        yield from (form.encode(errors="replace") for form in _quoted_forms(text))
    for line in secret.splitlines():
        yield line.strip().encode(errors="surrogateescape")


def _base64_forms(raw: bytes) -> Iterator[bytes]:
    """The characters that depend on the value alone, at each of its three places in a group of three bytes."""
    for before in range(3):
        yield from _encoded(b"\0" * before + raw, skip=(before * 8 + 5) // 6)
    if len(raw) > _BASE64_LINE:
        for start in range(0, len(raw), _BASE64_LINE):
            yield from _encoded(raw[start : start + _BASE64_LINE], skip=0)


def _encoded(raw: bytes, *, skip: int) -> Iterator[bytes]:
    whole = len(raw) * 8 // 6
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        yield encode(raw)[skip:whole]


def _quoted_forms(text: str) -> Iterator[str]:
    """As it looks in an address, in JSON, in Python, and in what a shell prints of it."""
    for percent in (
        quote(text, safe="", errors="replace"),
        quote_plus(text, errors="replace"),
        quote(text, errors="replace"),
    ):
        yield percent
        yield re.sub("%..", lambda code: code.group().lower(), percent)
    yield json.dumps(text)[1:-1]
    yield json.dumps(text, ensure_ascii=False)[1:-1]
    yield repr(text)[1:-1]
    yield shlex.quote(text).strip("'")
    yield text.replace("'", "'\\''")
    yield re.sub(r"([^A-Za-z0-9_@%+=:,./-])", r"\\\1", text)  # bash's printf %q
    yield json.dumps(text, ensure_ascii=False)[1:-1].replace('\\"', '"').replace("'", "\\'")  # bash's $'...'


def _pattern(needles: Iterable[bytes]) -> re2._Regexp:
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.longest_match = True
    options.never_capture = True
    options.max_mem = 256 << 20  # taken as it is needed: for a thousand values
    return re2.compile(b"|".join(re2.escape(needle) for needle in sorted(needles, key=len, reverse=True)), options)
