"""Gets images: those that the engine has, and those of a registry; each once.

What came with somebody's credentials keeps no name that another project could call it by: the engine does not ask
whoever names an image that it has who he is. It goes on under `KEPT` and its own content's digest.
"""

from __future__ import annotations

import re
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from runners.contract import Stop
from runners.errors import ImageError, SpecError
from runners.executors.docker.engine import Engine
from runners.executors.docker.pull import pull_stubbornly
from runners.executors.docker.registries import NOBODY, Logins, host_of_image

KEPT = "ciservice-kept"

Say = Callable[[str], None]


@dataclass(frozen=True)
class Image:
    """An image on this engine."""

    id: str
    digest: str  # what a registry calls these bytes; the id where no registry knows them
    user: str = ""
    checked: bool = False  # it has a HEALTHCHECK

    @classmethod
    def of(cls, facts: dict[str, Any], name: str = "") -> Image:
        """From what the engine says of it; of several digests that of the repository which `name` is in."""
        config = facts.get("Config") or {}
        check = (config.get("Healthcheck") or {}).get("Test") or []
        return cls(
            id=str(facts["Id"]),
            digest=_digest_of(facts, name),
            user=str(config.get("User") or ""),
            checked=bool(check) and check != ["NONE"],
        )


class Images:
    """The images of one engine. Two jobs that want the same one wait for one pull."""

    def __init__(self, engine: Engine, *, renews: bool = False) -> None:
        self._engine = engine
        self._renews = renews
        self._renewed: set[str] = set()
        self._locks: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
        self._guard = threading.Lock()

    def get(self, name: str, say: Say, stop: Stop, logins: Logins = NOBODY) -> Image:
        """The image of that name, pulled where the engine lacks it.

        SpecError where no registry has it, or it refuses these logins; ImageError where none could be asked.
        """
        name = with_tag(name.strip())
        if name.startswith((f"{KEPT}:", f"{KEPT}@")):
            raise SpecError(f"{name}: images called {KEPT} are the runner's own.")
        with self.alone_with(name, stop):
            found = self._local(name)
            if found is not None and self._is_to_renew(name):
                self._renewed.add(name)
                return self._pulled_or(found, name, say, stop, logins)
            return found or self._pulled(name, say, stop, logins)

    def get_as_then(self, name: str, digest: str, say: Say, stop: Stop, logins: Logins = NOBODY) -> Image:
        """The image that had this name when it was `digest`, or had this id. SpecError where nobody has it any more."""
        gone = f"The image {name} as it was then ({digest.rpartition('@')[2]}) is gone"
        if "@" in digest:
            try:
                return self.get(digest, say, stop, logins)
            except SpecError as error:
                raise SpecError(f"{gone}: {error} Run the build again with today's settings.") from error
        facts = self._engine.image(digest)
        if facts is None or facts["Id"] != digest:
            raise SpecError(
                f"{gone}: this runner does not have it any more, and no registry knew it."
                " Run the build again with today's settings."
            )
        return Image.of(facts, name)

    def find(self, name: str) -> Image | None:
        """The image of that name where the engine has it already, and nobody wants it anew."""
        name = with_tag(name.strip())
        return None if self._is_to_renew(name) else self._local(name)

    @contextmanager
    def alone_with(self, name: str, stop: Stop) -> Iterator[None]:
        """While this runs nobody else gets or changes what the engine has under this name."""
        with self._guard:
            lock = self._locks[_short(name)]
        while not lock.acquire(timeout=1):
            if stop.reason is not None:
                raise ImageError(f"Stopped while {name} was waited for.")
        try:
            yield
        finally:
            lock.release()

    def keep(self, image: str) -> str:
        """A name for an image's id that says nothing but its content, and stays until a sweep forgets it."""
        name = kept_name(image)
        self._engine.tag_image(image, *name.split(":"))
        return name

    def _local(self, name: str) -> Image | None:
        facts = self._engine.image(name)
        # The engine also takes the first digits of an id, by which a project could run another one's image.
        if facts is None or not is_named(name, facts):
            return None
        return Image.of(facts, name)

    def _is_to_renew(self, name: str) -> bool:
        return self._renews and name not in self._renewed

    def _pulled_or(self, found: Image, name: str, say: Say, stop: Stop, logins: Logins) -> Image:
        try:
            return self._pulled(name, say, stop, logins)
        except (SpecError, ImageError) as error:
            say(f"{error} The image that is here is used.")
            return found

    def _pulled(self, name: str, say: Say, stop: Stop, logins: Logins) -> Image:
        host = host_of_image(name)
        login = logins.at(host)
        say(f"Pulling image {name}")
        headers = {"X-Registry-Auth": login.header(host)} if login else {}
        pull_stubbornly(self._engine, name, say, stop, headers)
        found = self._local(name)
        if found is None:
            raise ImageError(f"The image {name} was pulled, but the engine does not have it.")
        if login:
            self.keep(found.id)
            self._engine.untag_image(name)
        return found


def kept_name(image: str) -> str:
    """What `Images.keep` calls the image of this id."""
    return f"{KEPT}:{image.removeprefix('sha256:')}"


def with_tag(name: str) -> str:
    """The name with its tag: `latest` where it has neither tag nor digest."""
    return name if "@" in name or ":" in name.rpartition("/")[2] else f"{name}:latest"


def is_named(name: str, facts: dict[str, Any]) -> bool:
    """Whether these facts of an image are really of what `name` says."""
    known = [*(facts.get("RepoTags") or []), *(facts.get("RepoDigests") or [])]
    wanted = _short(name)
    if "@" in wanted and ":" in wanted.partition("@")[0]:
        wanted = re.sub(r":[^@/]*@", "@", wanted)  # the engine keeps a digest without the tag beside it
    return wanted in {_short(one) for one in known}


def _digest_of(facts: dict[str, Any], name: str) -> str:
    known = [str(one) for one in facts.get("RepoDigests") or ()]
    bare = _short(name).partition("@")[0]
    repository = bare.rpartition(":")[0] if ":" in bare.rpartition("/")[2] else bare
    mine = [one for one in known if _short(one).partition("@")[0] == repository]
    return next(iter(mine or known), str(facts["Id"]))


def _short(name: str) -> str:
    return re.sub(r"^(index\.)?docker\.io/", "", name).removeprefix("library/")
