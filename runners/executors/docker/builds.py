"""Builds the images of one job's services from its checkout: when a step first needs one, and once.

The names that a project gives its images (`build.image`) hold within the job alone: FROM lines that use them are
pointed to the image's id. Written into the engine, they would be every other project's `debian:bookworm-slim`, too.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import threading
from dataclasses import dataclass, field
from pathlib import Path

from runners.contract import HearSecrets, ImageBuild, JobSpec, ServiceSpec, Stop, built_for
from runners.errors import ImageError, SpecError
from runners.executors.docker import labels
from runners.executors.docker.build_args import secret_args
from runners.executors.docker.builders import Builder, Builders
from runners.executors.docker.context import context_digest, read_text, write_context
from runners.executors.docker.credentials import Access, Credentials
from runners.executors.docker.dockerfile import loads_from_elsewhere, pinned
from runners.executors.docker.engine import Engine
from runners.executors.docker.image_cache import ImageCache
from runners.executors.docker.images import Image, Images, with_tag
from runners.executors.docker.memory import Remembered
from runners.executors.docker.mounts import inside
from runners.executors.docker.output import StepOutput
from runners.executors.docker.private_engine import PrivateEngine
from runners.executors.docker.recipes import Recipe
from runners.executors.docker.registries import NOBODY, Logins, host_of_image, is_official

OUTSIDE = ".ciservice.Dockerfile"


@dataclass(frozen=True, kw_only=True)
class Workshop:
    """What an executor lends to the builds of all its jobs."""

    instance: str
    engine: Engine
    images: Images
    builders: Builders
    memory: Remembered
    cache: ImageCache


@dataclass(frozen=True)
class _Wish:
    """One wish for an image: who is told, who may stop it, who to be, and which builds wait for this one."""

    output: StepOutput
    stop: Stop
    access: Access
    under_way: frozenset[str] = frozenset()


@dataclass
class _Bases:
    """The images that a Dockerfile begins from."""

    ids: list[str] = field(default_factory=list)
    shown: dict[str, str] = field(default_factory=dict)  # what its FROM lines say now -> what the project wrote


class Builds:
    """The images of one job's services. Thread-safe; a job builds one image at a time."""

    def __init__(
        self,
        workshop: Workshop,
        job: JobSpec,
        checkout: Path,
        credentials: Credentials,
        hear_secrets: HearSecrets,
        private_engine: PrivateEngine,
    ) -> None:
        self._shop, self._job, self._checkout = workshop, job, checkout
        self._credentials, self._hear_secrets = credentials, hear_secrets
        self._private_engine = private_engine
        self._services = {service.name: service for service in job.pipeline.services}
        self._tags = {with_tag(s.build.tag): s.name for s in job.pipeline.services if s.build and s.build.tag}
        self._done: dict[str, Image] = {}
        self._private: dict[str, Image] = {}  # got with credentials: the engine does not know them by name
        self._used: dict[str, str] = {}
        self._inside: set[str] = set()  # names of images that came from the job's own engine
        # One for all: two images that start from each other would wait for each other's locks for ever.
        self._lock = threading.RLock()

    def image(self, service: ServiceSpec, output: StepOutput, stop: Stop, access: Access) -> Image:
        """The service's image, pulled or built now where it is not there yet."""
        return self._image(service, _Wish(output, stop, access))

    def named(self, name: str, output: StepOutput, stop: Stop) -> Image:
        """An image that no service has and nobody's credentials get: that of the pipeline's own container."""
        return self._noted(name, self._fetched(with_tag(name.strip()), output, stop, NOBODY))

    def used(self) -> dict[str, str]:
        """Every image that was wanted so far, as `StepResult.images` has it."""
        return dict(self._used)

    def _image(self, service: ServiceSpec, wish: _Wish) -> Image:
        if service.build is None:
            maker = self._maker(service.image)
            if maker is None:
                return self._got(service.image, wish)
            service = maker
        while not self._lock.acquire(timeout=1):
            if wish.stop.reason is not None:
                raise ImageError(f"Stopped while the image of service {service.name} waited to be built.")
        try:
            if service.name not in self._done:
                image = self._built_then(service, wish) or self._built(service, wish)
                self._used[built_for(service.name)] = image.id
                self._done[service.name] = image
            return self._done[service.name]
        finally:
            self._lock.release()

    def _maker(self, name: str) -> ServiceSpec | None:
        """The service whose image this job calls so."""
        return self._services.get(self._tags.get(with_tag(name.strip()), ""))

    def _got(self, name: str, wish: _Wish) -> Image:
        """An image that is not of this job."""
        name = with_tag(name.strip())
        # What a step of the job built goes before all that others have under the name: on CodeShip it had replaced it.
        if (inside := self._private_engine.image(name, wish.output.say, wish.stop)) is not None:
            self._inside.add(name)
            return self._noted(name, inside)
        self._inside.discard(name)
        found = self._private.get(name) or self._shop.images.find(self._then(name) or name)
        if found is None:
            logins = self._credentials.of(wish.access, wish.output, wish.stop)
            found = self._fetched(name, wish.output, wish.stop, logins)
            if logins.at(host_of_image(name)):
                self._private[name] = found
        return self._noted(name, found)

    def _fetched(self, name: str, output: StepOutput, stop: Stop, logins: Logins) -> Image:
        images, then = self._shop.images, self._then(name)
        if then:
            return images.get_as_then(name, then, output.say, stop, logins)
        return images.get(name, output.say, stop, logins)

    def _then(self, name: str) -> str:
        """The digest or id that the job has to have under this name; "" = what the name says today."""
        return self._job.pipeline.images.get(name, "")

    def _noted(self, name: str, image: Image) -> Image:
        self._used[with_tag(name.strip())] = image.digest
        return image

    def _built_then(self, service: ServiceSpec, wish: _Wish) -> Image | None:
        """The very image that was built for the service then, where this engine still has it."""
        then = self._then(built_for(service.name))
        if not then:
            return None
        facts = self._shop.engine.image(then)
        own = ((facts or {}).get("Config") or {}).get("Labels") or {}
        if facts is None or facts["Id"] != then or own.get(labels.INSTANCE) != self._shop.instance:
            wish.output.say("The image that was built then is not here: it is built again, from the same images")
            return None
        wish.output.say(f"The image of service {service.name} is the one that was built then: {then}")
        return Image.of(facts)

    def _built(self, service: ServiceSpec, wish: _Wish) -> Image:
        build = service.build
        if build is None or service.name in wish.under_way:
            raise SpecError(f"The image of service {service.name} is built from itself.")
        wish.output.say(f"Building the image of service {service.name}")
        text = read_text(self._checkout, os.path.join(build.context, build.dockerfile))
        builder = self._shop.builders.choose(service.name, text, is_strangers=self._job.is_strangers)
        secrets = secret_args(service.name, build, self._checkout, self._job.key, self._hear_secrets)
        bases = _Bases()
        deeper = _Wish(wish.output, wish.stop, wish.access, wish.under_way | {service.name})
        changed = pinned(text, {**build.args, **secrets}, lambda name: self._pin(name, bases, builder, deeper))
        path, replaced = self._placed(build, changed, is_changed=changed != text)
        recipe = Recipe(
            service=service.name,
            dockerfile=path,
            target=build.target,
            # Not the job's labels: the same files must give the same image, so that layers are kept between builds.
            labels={labels.INSTANCE: self._shop.instance},
            args=build.args,
            secret_args=secrets,
            shown=bases.shown,
            is_cached=service.cached,
        )
        key = "" if loads_from_elsewhere(text) else self._key(build, recipe, replaced, (builder.name, *bases.ids))
        if (facts := self._remembered(key)) is not None:
            wish.output.say("Nothing that it is built from has changed: it is the one of an earlier build")
            return facts
        image = self._make(service, builder, recipe, replaced, wish)
        self._shop.memory.put(key, image.id)
        return image

    def _pin(self, name: str, bases: _Bases, builder: Builder, wish: _Wish) -> str:
        """What to write for a name in FROM, so that the builder takes the very image that this job means."""
        maker = self._maker(name)
        # A service may rebuild the image it starts from under the same name: then the registry's is meant.
        if maker is not None and maker.name not in wish.under_way:
            image = self._image(maker, wish)
        else:
            image = self._got(name, wish)
            is_todays = with_tag(name) not in {*self._private, *self._inside} and not self._then(with_tag(name))
            if is_official(name) and is_todays:
                bases.ids.append(image.id)
                return name  # nobody else's pushes can take this name for a while
        bases.ids.append(image.id)
        written = image.id if builder.takes_ids else self._shop.images.keep(image.id)
        bases.shown[written] = name
        return written

    def _key(self, build: ImageBuild, recipe: Recipe, replaced: dict[str, bytes], made_by: tuple[str, ...]) -> str:
        """The same for two builds that must give the same image."""
        args = {**recipe.args, **recipe.secret_args}
        parts = [
            context_digest(self._checkout, build.context, replaced, recipe.dockerfile),
            recipe.dockerfile,
            recipe.target,
            sorted(args.items()),
            made_by,
        ]
        return hashlib.sha256(json.dumps(parts).encode(errors="surrogateescape")).hexdigest()

    def _remembered(self, key: str) -> Image | None:
        image = self._shop.memory.get(key) if key else ""
        facts = self._shop.engine.image(image) if image else None
        return Image.of(facts) if facts is not None else None

    def _make(
        self, service: ServiceSpec, builder: Builder, recipe: Recipe, replaced: dict[str, bytes], wish: _Wish
    ) -> Image:
        build, cache = service.build, self._shop.cache
        may_cache = service.cached and not recipe.secret_args
        if service.cached and not may_cache:
            wish.output.say("Warning: not cached for other runners, since encrypted arguments would lie in its layers")
        sources = cache.sources(service, self._job.cache, wish.output, wish.stop) if may_cache else ()
        with tempfile.TemporaryFile() as context:
            write_context(self._checkout, build.context if build else ".", context, replaced, recipe.dockerfile)
            context.seek(0)
            made = builder.build(recipe.starting_from(sources), context, wish.output, wish.stop)
        facts = self._shop.engine.image(made)
        if facts is None:
            raise ImageError(f"The image of service {service.name} was built, but the engine does not have it.")
        if may_cache:
            cache.keep(service, self._job.cache, made)
        return Image.of(facts)

    def _placed(self, build: ImageBuild, text: str, *, is_changed: bool) -> tuple[str, dict[str, bytes]]:
        """Where the engine finds the Dockerfile in the context, and what has to be put there."""
        folder = inside(self._checkout, build.context)
        real = inside(self._checkout, os.path.join(build.context, build.dockerfile))
        if not real.is_relative_to(folder):
            return OUTSIDE, {OUTSIDE: text.encode()}
        path = str(real.relative_to(folder))
        return path, {path: text.encode()} if is_changed else {}
