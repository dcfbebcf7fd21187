"""What a service's own files and encrypted texts say of its environment, with what is secret of it told first."""

from __future__ import annotations

from pathlib import Path

from runners.contract import HearSecrets, JobSpec, ServiceSpec
from runners.decryption import open_file, open_sealed, variables_of
from runners.environment import read_env_files
from runners.errors import SpecError

MOST_TEXTS = 1000  # inline ciphertexts and encrypted files of one service
MOST_SECRET_CHARACTERS = 64 * 1024  # of all encrypted values of one service
# Values that say nothing to a stranger, and would hide the words of every log.
_PLAIN = frozenset(
    ["true", "false", "null", "none", "test", "testing", "development", "staging", "production", "localhost"]
)


def service_variables(job: JobSpec, service: ServiceSpec, checkout: Path, hear_secrets: HearSecrets) -> dict[str, str]:
    """In CodeShip's order, later ones win: encrypted_environment, env_files, encrypted_env_files. SpecError.

    All of it stands above the service's `environment`. The encrypted values are told to `hear_secrets`.
    """
    if len(service.encrypted_environment) + len(service.encrypted_env_files) > MOST_TEXTS:
        raise SpecError(f"Service {service.name}: at most {MOST_TEXTS} encrypted texts.")
    inline = _inline(job, service)
    files: dict[str, str] = {}
    for name in service.encrypted_env_files:
        files |= variables_of(open_file(checkout, name, job.key), name)
    values = [*inline.values(), *files.values()]
    if sum(map(len, values)) > MOST_SECRET_CHARACTERS:
        raise SpecError(f"Service {service.name}: at most {MOST_SECRET_CHARACTERS // 1024} KiB of encrypted variables.")
    hear_secrets([value for value in values if value.lower() not in _PLAIN])
    return inline | read_env_files(checkout, service.env_files) | files


def _inline(job: JobSpec, service: ServiceSpec) -> dict[str, str]:
    found: dict[str, str] = {}
    for number, text in enumerate(service.encrypted_environment, start=1):
        what = f"encrypted_environment of service {service.name}, text {number}"
        found |= variables_of(open_sealed(text, job.key, what), what)
    return found
