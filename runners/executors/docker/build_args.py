"""The encrypted arguments of a build: opened when it begins, and told to the mask before anything is printed."""

from __future__ import annotations

from pathlib import Path

from runners.contract import HearSecrets, ImageBuild
from runners.decryption import open_file, open_sealed, variables_of


def secret_args(service: str, build: ImageBuild, checkout: Path, key: str, hear_secrets: HearSecrets) -> dict[str, str]:
    """Names and values; files win over texts, the last over the first. SpecError where one does not open."""
    found: dict[str, str] = {}
    for number, text in enumerate(build.encrypted_args, start=1):
        what = f"encrypted_args of service {service}, text {number}"
        found |= variables_of(open_sealed(text, key, what), what)
    for name in build.encrypted_args_files:
        found |= variables_of(open_file(checkout, name, key), name)
    hear_secrets(found.values())
    return found
