"""`verify` of a deployment: the addresses that are opened after each stage, and the commands that have to pass."""

from __future__ import annotations

import re
from typing import Protocol

from builds.pipeline.delivery import Probe
from builds.pipeline.keys import PROBE, STEP
from builds.pipeline.nodes import Entry, Mapping, Node, Scalar, Sequence
from builds.pipeline.report import Report, clean
from builds.pipeline.section import Section, is_null
from builds.pipeline.spans import read_count, read_days, read_milliseconds, read_span
from builds.pipeline.web_address import what_is_wrong
from runners.contract import PipelineSpec

MAX_PROBES = 20
MAX_STATUSES = 20
MAX_BODY = 500
MAX_UNDER_MS = 60_000
MAX_TLS_DAYS = 365
MAX_FAILURES = 100
MAX_EVERY_SECONDS = 3600
_NAMES = re.compile(r"\$\{(?:CI_RELEASE|CI_COMMIT_ID|CI_ENVIRONMENT)\}")
_STATUS = re.compile(r"[1-5](?:[0-9]{2}|xx)")


class ReadJob(Protocol):
    """Makes one job of a list of steps, with the environment's image, variables, labels and time limit."""

    def __call__(self, steps: Entry, *, deploys: bool = False) -> PipelineSpec:
        """`deploys`: some of them may bring the release somewhere."""


def read_verify(section: Section, read_job: ReadJob) -> tuple[tuple[Probe, ...], PipelineSpec | None]:
    """The probes, and the commands as one job in their order; None without commands."""
    entry = section.entry("verify")
    if entry is None or is_null(entry.node):
        return (), None
    items = entry.node.items if isinstance(entry.node, Sequence) else (entry.node,)
    if not items:
        section.report.error("`verify` is an empty list: there has to be an address or a step", entry)
    looks = [item for item in items if _is_probe(item)]
    steps = tuple(item for item in items if not _is_probe(item))
    if len(looks) > MAX_PROBES:
        section.report.error(f"`verify` has more than {MAX_PROBES} addresses", entry)
        return (), None
    probes = tuple(_probe(item, section.report) for item in looks)
    return probes, read_job(Entry(entry.key, Sequence(steps, steps[0].mark), entry.mark)) if steps else None


def _is_probe(item: Node) -> bool:
    """A text is an address; a map is a step where it has nothing but a step's keys."""
    if isinstance(item, Mapping):
        return item.get("http") is not None or not any(entry.key in STEP for entry in item.entries)
    return isinstance(item, Scalar)


def _probe(item: Node, report: Report) -> Probe:
    if not isinstance(item, Mapping):
        url = item.text if isinstance(item, Scalar) else ""
        if wrong := _what_is_wrong(url):
            report.error(f"`verify`: {wrong}; a command is `- run: …`", item, key="verify")
        return Probe(url=url)
    section = Section(item, PROBE, report, strict=True)
    url = section.text("http")
    if wrong := _what_is_wrong(url):
        report.error(f"`http`: {wrong}", section.entry("http") or item)
    return Probe(
        url=url,
        expect=_statuses(section),
        body=_body(section),
        under_ms=read_milliseconds(section, "under", most=MAX_UNDER_MS),
        tls_days=_tls_days(section, url),
        within_seconds=read_span(section, "within", usual=120),
        every_seconds=read_span(section, "every", usual=5, most=MAX_EVERY_SECONDS),
        failures=read_count(section, "failures", usual=1, most=MAX_FAILURES),
    )


def _what_is_wrong(url: str) -> str:
    """A user and password are sent when it is opened, and never shown."""
    return what_is_wrong(_NAMES.sub("1", url), is_shown=False)


def _statuses(section: Section) -> tuple[str, ...]:
    if not section.has("expect"):
        return ("2xx",)
    found = tuple(text.strip().lower() for text in section.texts("expect"))
    wrong = [text for text in found if not _STATUS.fullmatch(text)]
    if wrong or not 0 < len(found) <= MAX_STATUSES:
        shown = f", not `{clean(wrong[0], 80)}`" if wrong else ""
        text = f"`expect` needs statuses such as 200, 2xx or [200, 204]{shown}"
        section.report.error(text, section.entry("expect"))
    return found


def _body(section: Section) -> str:
    body = section.text("body")
    if len(body) > MAX_BODY:
        section.report.error(f"`body` has at most {MAX_BODY} characters", section.entry("body"))
    return body


def _tls_days(section: Section, url: str) -> int:
    days = read_days(section, "tls", most=MAX_TLS_DAYS)
    if days and not url.startswith("https:"):
        section.report.error("`tls` needs an address that begins with https:", section.entry("tls"))
    return days
