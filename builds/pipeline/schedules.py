"""When a project is built without a push: `schedule` of ciservice.yml, and the moments it comes to."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo, available_timezones

from cronsim import CronSim, CronSimError

from builds.pipeline.keys import SCHEDULE
from builds.pipeline.nodes import Entry, Mapping, Sequence
from builds.pipeline.plan import SchedulePlan
from builds.pipeline.report import Report, clean
from builds.pipeline.section import Section

MAX_SCHEDULES = 20
MAX_CRON = 100
_NAMES = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
}


def next_moment(cron: str, zone: str, after: datetime) -> datetime | None:
    """The first moment later than `after` (aware), in UTC; None where the expression names none for fifty years.

    In the hour that a change to summer time leaves out, what was due runs when the clock goes on; in the hour that is
    there twice, once. Raises CronSimError, ZoneInfoNotFoundError.
    """
    there = CronSim(_NAMES.get(cron, cron), after.astimezone(ZoneInfo(zone)))
    moment = next(there, None)
    return moment.astimezone(UTC) if moment else None


def read_schedules(entry: Entry | None, report: Report, pipelines: list[str]) -> tuple[SchedulePlan, ...]:
    """The list under `schedule`; one entry may stand without a list."""
    if entry is None:
        return ()
    items = entry.node.items if isinstance(entry.node, Sequence) else (entry.node,)
    if len(items) > MAX_SCHEDULES:
        report.error(f"more than {MAX_SCHEDULES} schedules", entry)
        return ()
    found: list[SchedulePlan] = []
    for item in items:
        if isinstance(item, Mapping):
            found.append(_read(Section(item, SCHEDULE, report, strict=True), pipelines))
        else:
            report.error("a schedule needs a map with `cron`", item, key="schedule")
    return tuple(found)


def _read(section: Section, pipelines: list[str]) -> SchedulePlan:
    cron, zone = " ".join(section.text("cron").split()), section.text("zone") or "UTC"
    _check(section, cron, zone)
    wanted = section.texts("pipelines")
    for name in wanted:
        if name not in pipelines:
            text = f"the pipeline `{clean(name, 80)}` does not exist: {section.report.did_you_mean(name, pipelines)}"
            section.report.error(text, section.entry("pipelines"))
    return SchedulePlan(cron=cron, zone=zone, branch=clean(section.text("branch"), 255), pipelines=wanted)


def _check(section: Section, cron: str, zone: str) -> None:
    if zone not in available_timezones():
        alike = sorted(name for name in available_timezones() if name[:2].lower() == zone[:2].lower())
        near = section.report.did_you_mean(zone, alike, ["UTC", "Europe/Vienna", "America/New_York"])
        section.report.error(f"the zone `{clean(zone, 80)}` does not exist: {near}", section.entry("zone"))
        return
    if not cron or len(cron) > MAX_CRON:
        section.report.error('a schedule needs `cron`, such as "30 3 * * 1-5"', section.entry("cron") or section.node)
        return
    try:
        moment = next_moment(cron, zone, datetime.now(UTC))
    except CronSimError as error:
        text = f'`cron` needs minute, hour, day, month and weekday, such as "30 3 * * 1-5": {clean(str(error), 100)}'
        section.report.error(text, section.entry("cron"))
        return
    if moment is None:
        section.report.error(f"`{clean(cron, 80)}` never comes", section.entry("cron"))
