"""What an attempt ran with, as its job keeps it: enough to run it again exactly so, and no secret."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from typing import Any

from django.conf import settings

from builds.services.depot import JobDepot
from builds.services.texts import storable
from runners.checkout.version import git_version
from runners.contract import Executor, GitSource, JobSpec

PROJECT_KEY = "codeship.aes"  # the project's key among the secrets, which no variable can be called


def record_of(spec: JobSpec, executor: Executor, images: Mapping[str, str], depot: JobDepot | None) -> dict[str, Any]:
    """For the job's row: JSON of a few kilobytes. `images` as `StepResult.images` has them."""
    source, project = spec.source, spec.cache.project if spec.cache else ""
    secrets = {name: value for name, value in spec.secrets.items() if name not in spec.pipeline.id_tokens}
    secrets |= {**spec.secret_files, **({PROJECT_KEY: spec.key} if spec.key else {})}
    return {
        "commit": source.commit if isinstance(source, GitSource) else "",
        "variables": dict(spec.environment),
        "secrets": {"keyed_by": keyed_by(), "hashes": hashes(project, secrets)},
        # What it was pinned to stays so: what an image was built from is not asked where it is there.
        "images": {storable(k): storable(v) for k, v in {**spec.pipeline.images, **images}.items()},
        "caches": {
            "restored": dict(depot.restored) if depot else {},
            "saved": list(depot.saved) if depot else [],
        },
        "artifacts": list(depot.laid) if depot else [],
        "limits": {"timeout_seconds": spec.timeout_seconds, "silence_seconds": spec.silence_seconds},
        "default_image": settings.DEFAULT_IMAGE,
        "runner": {
            "ciservice": settings.VERSION,
            "executor": executor.name,
            "engine": executor.version,
            "git": git_version(),
        },
    }


def hashes(project: str, secrets: Mapping[str, str]) -> dict[str, str]:
    """A keyed hash of each value: equal ones of one name and project are recognised, none can be guessed without the key."""
    key = _key()
    return {
        name: hmac.new(key, f"{project}\0{name}\0{value}".encode(), hashlib.sha256).hexdigest()[:32]
        for name, value in secrets.items()
    }


def keyed_by() -> str:
    """Tells hashes of one instance key from those of another, which cannot be compared."""
    return hashlib.sha256(b"which:" + _key()).hexdigest()[:8]


def _key() -> bytes:
    return bytes.fromhex(settings.RECORD_KEY)
