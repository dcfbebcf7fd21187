"""What streams send: Server-Sent Events as bytes, rendered once and shared by all who watch."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property

from builds.logs.spool import Cursor


class Form(StrEnum):
    """How a stream shows logs."""

    TEXT = "text"  # for programs: {"step", "text", "offset", "ended"}
    HINT = "hint"  # only that there is more: {"step", "uuid", "total", "ended"}


def sse(name: str, data: Mapping[str, object], event_id: str | int = "") -> bytes:
    """One event. `data` is JSON, so that no line of it can look like another field."""
    head = f"id: {event_id}\n" if event_id != "" else ""
    return f"{head}event: {name}\ndata: {json.dumps(data, separators=(',', ':'), default=str)}\n\n".encode()


def text_event(step: str, data: bytes, *, end_byte: int, ended: bool = False) -> bytes:
    """Text for programs; `offset` is where the next goes on."""
    text = data.decode("utf-8", "replace")
    return sse("log", {"step": step, "text": text, "offset": end_byte, "ended": ended}, end_byte)


def hint_event(step: str, *, total: int, ended: bool = False) -> bytes:
    """That a log has grown."""
    return sse("log", {"step": step, "uuid": step, "total": total, "ended": ended})


def skip_event(step: str, *, first: int, total: int, end_byte: int) -> bytes:
    """What lies before line `first` comes too fast or is too much: it is to be had over HTTP."""
    return sse("skip", {"step": step, "first": first, "total": total}, end_byte)


@dataclass(frozen=True)
class Told:
    """An event of a topic."""

    event: Mapping[str, object]

    @cached_property
    def payload(self) -> bytes:
        """As bytes."""
        kind = str(self.event.get("type", ""))
        return sse(kind if kind.isidentifier() and len(kind) < 40 else "message", self.event)

    def size(self, form: str) -> int:
        """Bytes of it."""
        return len(self.payload)


@dataclass(frozen=True)
class Stretch:
    """New output of one step."""

    step: str
    start: int  # byte offset
    after: Cursor
    data: bytes
    ended: bool = False
    _payloads: dict[str, bytes] = field(default_factory=dict, compare=False)

    @property
    def end(self) -> int:
        """Byte offset after it."""
        return self.after.byte

    def size(self, form: str) -> int:
        """Bytes of it in a form."""
        return len(self.payload(form))

    def payload(self, form: str) -> bytes:
        """As bytes, made once for each form."""
        if form not in self._payloads:
            self._payloads[form] = self._make(form)
        return self._payloads[form]

    def _make(self, form: str) -> bytes:
        if form == Form.HINT:
            return hint_event(self.step, total=self.after.lines, ended=self.ended)
        return text_event(self.step, self.data, end_byte=self.end, ended=self.ended)


@dataclass(frozen=True)
class Skip:
    """Output that goes by too fast to be shown, or that Redis lost."""

    step: str
    start: int  # byte offset
    after: Cursor

    @property
    def end(self) -> int:
        """Byte offset after it."""
        return self.after.byte

    def payload(self, form: str) -> bytes:
        """As bytes."""
        first = self.after.lines + 1
        if form == Form.HINT:
            return hint_event(self.step, total=first)
        return skip_event(self.step, first=first, total=first, end_byte=self.end)

    def size(self, form: str) -> int:
        """Bytes of it."""
        return len(self.payload(form))
