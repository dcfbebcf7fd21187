"""What a step runs: its command or its script, and the name that people see."""

from __future__ import annotations

from builds.pipeline.nodes import Entry, Scalar
from builds.pipeline.one_session import one_session
from builds.pipeline.report import Report, clean
from builds.pipeline.section import Section

MAX_NAME = 120
MAX_COMMAND = 64 * 1024

What = tuple[tuple[str, ...] | None, str | None]
"""(argv, script): at most one of them is there."""


def read_what(section: Section, *, strict: bool, is_needed: bool) -> What:
    """The command or the script of a run step; where it is needed, exactly one of them has to be there."""
    report = section.report
    for key in ("run", "command"):
        check_length(section.entry(key), report)
    given = [key for key in ("run", "command", "commands") if section.has(key)]
    if len(given) > 1:
        report.error(f"`{given[0]}` and `{given[1]}` exclude each other", section.entry(given[0]))
    command, script = section.argv("command"), section.script("run") if section.has("run") else None
    if section.has("commands"):
        script = _one_session(section)
    if not command and not (script or "").strip() and is_needed:
        wanted = "`run`, `commands` or `command`" if strict else "`command`"
        report.error(f"the step has nothing to run: it needs {wanted}", section.node)
    return command, script


def _one_session(section: Section) -> str:
    """The script of a step with `commands`."""
    lines = [line for line in section.texts("commands") if line.strip()]
    script = one_session(lines) if lines else ""
    place = section.entry("commands")
    if place:
        check_length(Entry(place.key, Scalar(script, place.mark), place.mark), section.report)
    return script


def check_length(entry: Entry | None, report: Report) -> None:
    """Linux takes no argument beyond 128 KiB; and what is so long should be a file of the repository."""
    if entry and isinstance(entry.node, Scalar) and len(entry.node.text) > MAX_COMMAND:
        text = f"`{entry.key}` is longer than {MAX_COMMAND} characters: put it into a file of the repository"
        report.error(text, entry)
        report.raise_errors()


def name_of(section: Section, kind: str, what: What = (None, None)) -> str:
    """Its own name, or one made of what it does."""
    command, script = what
    if name := section.text("name"):
        return clean(name, MAX_NAME)
    if kind == "push":
        return clean(f"push {section.text('image_name') or section.text('service')}", MAX_NAME)
    if kind != "run":
        return kind
    written = section.entry("command")
    if command and written and isinstance(written.node, Scalar):
        return clean(" ".join(written.node.text.split()), MAX_NAME)
    if section.has("commands"):
        script = "\n".join(section.texts("commands"))
    return first_line(script or "") or clean(" ".join(command or ()), MAX_NAME) or section.text("service") or kind


def first_line(script: str) -> str:
    """The first line that says something, for a name."""
    lines = (line.strip() for line in script.splitlines())
    return clean(next((line for line in lines if line and not line.startswith("#")), ""), MAX_NAME)
