"""Where the branches of a repository stand over there, without fetching anything."""

from __future__ import annotations

import logging
import tempfile
from dataclasses import replace
from pathlib import Path

from runners.checkout.address import pin
from runners.checkout.command import Bounds, GitFailed, GitTimedOut, run_git
from runners.checkout.failures import explain
from runners.checkout.mirror import check_source
from runners.checkout.policy import GitPolicy
from runners.checkout.transport import transport
from runners.contract import GitSource, Stop
from runners.errors import CheckoutError

logger = logging.getLogger(__name__)

MOST_HEADS = 2000


def heads(source: GitSource, mirrors: Path, *, policy: GitPolicy, stop: Stop | None = None) -> dict[str, str]:
    """Ref -> commit of every branch; `source` needs no commit. CheckoutError as `fetch`, and where there are too many."""
    address = pin(check_source(source, policy), policy)
    bounds = Bounds.of(policy.limits.total_seconds, stop)
    try:
        mirrors.mkdir(parents=True, exist_ok=True)
        with (
            tempfile.TemporaryDirectory(dir=mirrors, prefix="look-") as folder,
            transport(address, source, Path(folder), policy.limits) as way,
        ):
            arguments = ["ls-remote", "--quiet", "--refs", "--heads", "--", *way.arguments]
            said = run_git(replace(way, arguments=arguments, folder=Path(folder)), bounds)
    except GitTimedOut:
        raise CheckoutError("The git host was too slow: its branches were not read.") from None
    except GitFailed as failed:
        logger.info("ls-remote failed mirror=%s text=%r", source.mirror, failed.text[-500:])
        raise explain(failed.text) from None
    except OSError as error:
        raise CheckoutError(f"The branches could not be read: {error.strerror}.") from None
    return _read(said)


def _read(said: bytes) -> dict[str, str]:
    lines = said.decode(errors="replace").splitlines()
    if len(lines) > MOST_HEADS:
        raise CheckoutError(f"It has more than {MOST_HEADS} branches.", retry=False)
    pairs = (line.split("\t", 1) for line in lines if "\t" in line)
    return {ref: commit for commit, ref in pairs}
