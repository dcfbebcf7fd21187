"""Lines for the log out of bytes as they come from Heroku."""

from __future__ import annotations

import codecs

from runners.targets.contract import Tell

_MOST = 16 << 10  # characters of a line


class Lines:
    """Tells every line when it is whole; bytes of zero, which Heroku sends as signs of life, are no text."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._rest = ""

    def take(self, chunk: bytes) -> None:
        """What came."""
        *whole, self._rest = (self._rest + self._decoder.decode(chunk)).replace("\0", "").split("\n")
        for line in whole:
            self._tell(line.rstrip("\r")[:_MOST])
        while len(self._rest) > _MOST:
            self._tell(self._rest[:_MOST])
            self._rest = self._rest[_MOST:]

    def end(self) -> None:
        """Nothing comes any more."""
        if self._rest:
            self._tell(self._rest)
            self._rest = ""
