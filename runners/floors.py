"""The oldest versions of what we stand on, and the sentence for who has an older one."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Floor:
    """A program, the oldest version that will do, and why an older one will not."""

    program: str
    least: tuple[int, ...]
    why: str

    def obstacle(self, found: str) -> str:
        """ "" where `found` ("20.10.24+dfsg1", "git version 2.39.5") will do or says nothing; else what to do."""
        numbers = re.search(r"\d+(?:\.\d+)*", found)
        if numbers is None or tuple(map(int, numbers[0].split("."))) >= self.least:
            return ""
        least = ".".join(map(str, self.least))
        return f"{self.program} {numbers[0]} is too old: {self.why}. Install {self.program} {least} or newer."


ENGINE = Floor("Docker", (20, 10), "its engine lacks what steps are walled in with")
GIT = Floor("git", (2, 34), "it cannot pin a host's address nor keep mirrors small")
REDIS = Floor("Redis", (6, 2), "it cannot trim the live tails of logs by their place")
POSTGRES = Floor("PostgreSQL", (15,), "its releases are no longer tested with this service")
