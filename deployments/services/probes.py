"""Open the addresses that `verify` names, and judge what they answer. Nothing is written here.

What comes back is a stranger's: it is data, cut and made printable, and never anything else.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from urllib.parse import quote, urlsplit, urlunsplit

from django.utils import timezone

from builds.outbound.client import MOST_BYTES, Answer, get
from builds.outbound.errors import DeliveryError
from builds.pipeline.delivery import Probe
from deployments.models import Release

SECONDS = 10  # that an answer may take where `under` does not allow more
THREADS = 4  # addresses of one stage that are opened at one time
MOST_SHOWN = 2000  # characters of an answer
_WRITING = timedelta(seconds=15)
_NAMES = re.compile(r"\$(?:\{(CI_RELEASE|CI_COMMIT_ID|CI_ENVIRONMENT)\}|(CI_RELEASE|CI_COMMIT_ID|CI_ENVIRONMENT)\b)")


@dataclass(frozen=True, kw_only=True)
class Result:
    """What opening one address came to; `reason` completes the sentence that the address begins ("answered 503 …")."""

    url: str  # as it was opened, without user and password
    reason: str = ""  # "" = it is right
    status: int | None = None  # None: there was no answer
    milliseconds: int | None = None
    answer: str = ""  # the beginning of a wrong answer, printable

    @property
    def is_right(self) -> bool:
        """Whether it is as the probe wants it."""
        return not self.reason


def named(release: Release, environment: str) -> dict[str, str]:
    """The variables that addresses and texts may name."""
    return {"CI_RELEASE": str(release.number), "CI_COMMIT_ID": release.commit, "CI_ENVIRONMENT": environment}


def open_all(probes: Mapping[int, Probe], names: Mapping[str, str]) -> dict[int, Result]:
    """Open each, a few at one time, and return what they came to under the same keys. Blocks; see `seconds_for`."""
    if len(probes) < 2:
        return {key: open_probe(probe, names) for key, probe in probes.items()}
    with ThreadPoolExecutor(min(THREADS, len(probes)), thread_name_prefix="probe") as threads:
        opened = {key: threads.submit(open_probe, probe, names) for key, probe in probes.items()}
        return {key: future.result() for key, future in opened.items()}


def longest(probes: Mapping[int, Probe]) -> timedelta:
    """How long `open_all` and writing down what it found may take at most."""
    slowest = max((_seconds(probe) for probe in probes.values()), default=0.0)
    return _WRITING + timedelta(seconds=slowest * ceil(len(probes) / THREADS))


def open_probe(probe: Probe, names: Mapping[str, str]) -> Result:
    """Open one address, once. Blocks for SECONDS, or as long as `under` allows."""
    url = _filled(probe.url, {name: quote(value, safe="") for name, value in names.items()})
    try:
        answer = get(url, total_seconds=_seconds(probe))
    except DeliveryError as error:
        said = str(error)
        return Result(url=shown(url), reason=f"could not be opened: {said[:1].lower()}{said[1:]}")
    reason = judge(probe, answer, names, now=timezone.now())
    return Result(
        url=shown(url),
        reason=reason,
        status=answer.status,
        milliseconds=answer.milliseconds,
        answer=printable(answer.body) if reason else "",
    )


def judge(probe: Probe, answer: Answer, names: Mapping[str, str], *, now: datetime) -> str:
    """What is wrong with an answer, all of it; "" where it is as it should be."""
    return ", and ".join(
        wrong
        for wrong in (
            _status(probe, answer),
            _text(_filled(probe.body, names), answer.body),
            _latency(probe, answer),
            _certificate(probe, answer, now),
        )
        if wrong
    )


def shown(url: str) -> str:
    """The address for people: without the user and the password that may stand in it."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def printable(body: bytes) -> str:
    """The beginning of an answer as text: no control characters, nothing that turns the writing direction."""
    text = body[: 4 * MOST_SHOWN].decode("utf-8", "replace")
    return "".join(each for each in text if each.isprintable() or each in "\n\t")[:MOST_SHOWN].strip()


def _seconds(probe: Probe) -> float:
    return max(SECONDS, probe.under_ms / 1000 + 1)


def _filled(text: str, names: Mapping[str, str]) -> str:
    return _NAMES.sub(lambda found: names[found[1] or found[2]], text)


def _status(probe: Probe, answer: Answer) -> str:
    if any(_fits(answer.status, expected) for expected in probe.expect):
        return ""
    return f"answered {answer.status} instead of {' or '.join(probe.expect)}"


def _fits(status: int, expected: str) -> bool:
    digits = str(status)
    return len(digits) == len(expected) and all(
        wanted in {"x", "X", digit} for wanted, digit in zip(expected, digits, strict=True)
    )


def _text(wanted: str, body: bytes) -> str:
    if wanted in body.decode("utf-8", "replace"):
        return ""
    where = f" in its first {MOST_BYTES // 1024} KiB" if len(body) >= MOST_BYTES else ""
    return f"does not hold “{wanted}”{where}"


def _latency(probe: Probe, answer: Answer) -> str:
    if not probe.under_ms or answer.milliseconds <= probe.under_ms:
        return ""
    return f"took {answer.milliseconds} ms, more than {probe.under_ms} ms"


def _certificate(probe: Probe, answer: Answer, now: datetime) -> str:
    if not probe.tls_days:
        return ""
    if answer.certificate_ends is None:
        return "showed no certificate"
    left = (answer.certificate_ends - now) / timedelta(days=1)
    if left >= probe.tls_days:
        return ""
    days = int(left)
    return f"shows a certificate that is good for {days} more day{'' if days == 1 else 's'}, less than {probe.tls_days}"
