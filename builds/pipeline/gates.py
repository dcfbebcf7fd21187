"""What protects an environment in ciservice.yml: `branch`, `tag`, `approval`, `window`, `concurrency`, `watch`."""

from __future__ import annotations

import re

from builds.pipeline.delivery import DAY_SECONDS, Approval, Gates, Watch, Window
from builds.pipeline.keys import APPROVAL, WATCH
from builds.pipeline.nodes import Mapping
from builds.pipeline.report import clean
from builds.pipeline.section import Section
from builds.pipeline.spans import read_count, read_span
from builds.pipeline.windows import MAX_WINDOWS, read_window

ROLES = ("owner", "manager", "project_manager", "contributor")
MAX_APPROVERS = 50
_ADDRESS = re.compile(r"[^@\s,;<>]{1,64}@[^@\s,;<>]{1,180}\.[^@\s,;<>.]{2,}")


def read_gates(section: Section) -> Gates:
    """The gates of one entry under `deployments`."""
    return Gates(
        branches=tuple(pattern.strip() for pattern in section.texts("branch")),
        tags=tuple(pattern.strip() for pattern in section.texts("tag")),
        approval=_approval(section),
        windows=_windows(section),
        queue=_queue(section),
        watch=_watch(section),
    )


def _approval(section: Section) -> Approval | None:
    entry = section.entry("approval")
    if entry is None or not section.has("approval"):
        return None
    if not isinstance(entry.node, Mapping):
        roles, people = _approvers(section, "approval")
        return Approval(roles=roles, people=people)
    inner = Section(entry.node, APPROVAL, section.report, strict=True)
    if not inner.has("from"):
        section.report.error("`approval` needs `from`: a role, or somebody's e-mail address", entry)
    roles, people = _approvers(inner, "from")
    usual = Approval.expires_seconds
    expires = read_span(inner, "expires", usual=usual, least=60, most=90 * DAY_SECONDS)
    return Approval(roles=roles, people=people, not_author=inner.flag("not_author"), expires_seconds=expires)


def _approvers(section: Section, key: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(roles, people), in the order they were written."""
    words = [word.strip().lower() for word in section.texts(key)]
    place, report = section.entry(key), section.report
    if place is not None and not 0 < len(words) <= MAX_APPROVERS:
        report.error(f"`{key}` needs a role or an e-mail address, at most {MAX_APPROVERS} of them", place)
    roles = [_role(word) for word in words if "@" not in word]
    people = [word for word in words if "@" in word]
    for role in roles:
        if role not in ROLES:
            help_ = report.did_you_mean(role, ROLES)
            report.error(f"the role `{clean(role, 80)}` does not exist: {help_}; a person is an e-mail address", place)
    for person in people:
        if not _ADDRESS.fullmatch(person):
            report.error(f"`{clean(person, 80)}` is no e-mail address, such as ann@example.com", place)
    return tuple(dict.fromkeys(roles)), tuple(dict.fromkeys(people))


def _role(word: str) -> str:
    """The role's own name for `managers`, `Project manager`."""
    name = re.sub(r"[\s-]+", "_", word)
    return name.removesuffix("s") if name.removesuffix("s") in ROLES else name


def _windows(section: Section) -> tuple[Window, ...]:
    texts, place = section.texts("window"), section.entry("window")
    if place is not None and section.has("window") and not 0 < len(texts) <= MAX_WINDOWS:
        section.report.error(f"`window` needs a time of the week, at most {MAX_WINDOWS} of them", place)
        return ()
    found = []
    for text in texts:
        try:
            found.append(read_window(text))
        except ValueError as error:
            section.report.error(f"`window`: {clean(str(error))}", place)
    return tuple(found)


def _queue(section: Section) -> bool:
    word = section.text("concurrency")
    if word not in ("", "supersede", "queue"):
        text = f"`concurrency` is `supersede` (of waiting releases the newest goes) or `queue`, not `{clean(word, 80)}`"
        section.report.error(text, section.entry("concurrency"))
    return word == "queue"


def _watch(section: Section) -> Watch | None:
    entry = section.entry("watch")
    if entry is None or not section.has("watch"):
        return None
    if not isinstance(entry.node, Mapping):
        return Watch(every_seconds=read_span(section, "watch", usual=60, least=10))
    inner = Section(entry.node, WATCH, section.report, strict=True)
    every = read_span(inner, "every", usual=Watch.every_seconds, least=10)
    return Watch(every_seconds=every, failures=read_count(inner, "failures", usual=Watch.failures, most=100))
