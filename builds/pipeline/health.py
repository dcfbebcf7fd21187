"""`healthcheck` of a service, as Compose has it: it goes before the check that the image has."""

from __future__ import annotations

import re

from builds.pipeline.keys import HEALTHCHECK
from builds.pipeline.nodes import Mapping, Scalar
from builds.pipeline.origin import Origin
from builds.pipeline.section import Section
from runners.contract import HealthCheck

_UNITS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_DURATION = re.compile(r"(?:\d{1,9}(?:\.\d{1,9})?(?:us|ms|h|m|s))+")
_PART = re.compile(r"(\d+(?:\.\d+)?)(us|ms|h|m|s)")
_LONGEST = 24 * 3600.0
_SHORTEST = 0.1
_NONE = HealthCheck(test=("NONE",))


def read_health(section: Section, origin: Origin) -> HealthCheck | None:
    """The check; None where the image's own counts. What is wrong with it is refused as all of a service is."""
    entry = section.entry("healthcheck")
    if entry is None or not section.has("healthcheck"):
        return None
    if not isinstance(entry.node, Mapping):
        origin.refuse(section, "`healthcheck` needs a map with `test`", entry)
        return None
    check = Section(entry.node, HEALTHCHECK, section.report, strict=origin.strict)
    test = _test(check)
    if check.flag("disable") or test == ("NONE",):
        return _NONE
    seconds = [_seconds(check, key, origin) for key in ("interval", "timeout", "start_period")]
    retries = check.text("retries")
    if retries and not re.fullmatch(r"[0-9]{1,4}", retries):
        origin.refuse(check, "`retries` needs a number", check.entry("retries"))
        retries = ""
    return HealthCheck(
        test=test,
        interval_seconds=seconds[0],
        timeout_seconds=seconds[1],
        start_period_seconds=seconds[2],
        retries=int(retries or 0),
    )


def _test(check: Section) -> tuple[str, ...]:
    """The command as Docker takes it: a text is for the image's shell; () = the image's own."""
    entry = check.entry("test")
    if entry is None or not check.has("test"):
        return ()
    words = check.texts("test")
    if isinstance(entry.node, Scalar):
        return ("NONE",) if words == ("NONE",) else ("CMD-SHELL", *words)
    return words if words and words[0] in {"NONE", "CMD", "CMD-SHELL"} else ("CMD", *words)


def _seconds(check: Section, key: str, origin: Origin) -> float:
    """A duration of Compose's, such as 1m30s or 500ms; 0 = the image's own, or Docker's."""
    word = check.text(key)
    if not word or word in {"0", "0s"}:
        return 0.0
    if not _DURATION.fullmatch(word):
        origin.refuse(check, f"`{key}` needs a duration such as 1m30s or 500ms", check.entry(key))
        return 0.0
    total = sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(word))
    return min(max(total, _SHORTEST), _LONGEST)
