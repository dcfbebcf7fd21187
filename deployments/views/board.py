"""What the page of environments shows: a column an environment. Plain values, a constant number of queries."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from django.db.models import Max, Q
from django.utils import timezone
from django.utils.functional import cached_property

from accounts.models import User
from builds.models import Project
from builds.pipeline.delivery import Gates
from deployments.models import Deployment, Environment, Freeze, Health, ProbeResult
from deployments.services.approvers import named, refusal
from deployments.services.gates_of import gates_of
from deployments.states import BUSY, PENDING, DeploymentStatus
from deployments.views.rows import Row, rows, told
from deployments.views.zone import zone_of

_S = DeploymentStatus
_WENT_WRONG = frozenset({_S.FAILED, _S.ROLLED_BACK})


@dataclass
class Column:
    """One environment: what is live, and what is on its way, the next one first."""

    environment: Environment
    live: Row | None = None
    coming: list[Row] = field(default_factory=list)
    last: Row | None = None  # the newest of all, where it went wrong and nobody has sent another since
    watched: list[ProbeResult] = field(default_factory=list)
    freezes: list[Freeze] = field(default_factory=list)
    asked: set[int] = field(default_factory=set)  # those that wait for the reader's word

    @cached_property
    def gates(self) -> Gates:
        """What protects it."""
        return gates_of(self.environment)

    @property
    def zone(self) -> str:
        """The time zone that its people say times in."""
        return zone_of(self.gates)

    @property
    def rules(self) -> list[str]:
        """When a release goes there, in words."""
        environment, gates = self.environment, self.gates
        tags = ", ".join(gates.tags)
        said = [f"after {environment.after}" if environment.after else "", f"from tags {tags}" if tags else ""]
        said.append(f"approved by {named(gates.approval)}" if gates.approval else "")
        said += [window.text for window in gates.windows]
        said.append("one release after another" if gates.queue else "")
        return [each for each in said if each]

    @property
    def state(self) -> str:
        """The state whose drawing stands beside the name."""
        if self.environment.health == Health.BAD:
            return "failed"
        return "passed" if self.live else ""

    @property
    def frozen(self) -> Freeze | None:
        """The freeze that holds now; the one that lasts longest where there are several."""
        now = timezone.now()
        holding = [freeze for freeze in self.freezes if freeze.starts_at <= now < freeze.ends_at]
        return max(holding, key=lambda freeze: freeze.ends_at, default=None)

    @property
    def url(self) -> str:
        """Where people see what is live, if a browser may be sent there."""
        url = self.environment.url
        return url if url.startswith(("https://", "http://")) else ""

    @property
    def host(self) -> str:
        """That, short."""
        return self.url.partition("://")[2].strip("/")


def columns(project: Project, *, reader: User | None = None) -> list[Column]:
    """The environments in the order of promotion; retired ones only while something is live or on its way there.

    With `reader` each column knows what waits for that person's word, for one query more an environment that waits.
    """
    found = {environment.pk: Column(environment) for environment in project.environments.all()}
    newest = Deployment.objects.filter(environment__in=list(found)).values("environment").annotate(last=Max("pk"))
    wanted = Q(status__in=BUSY | PENDING | {_S.LIVE}) | Q(pk__in=newest.values("last"))
    for row in rows(list(told().filter(wanted, environment__in=list(found)).order_by("id"))):
        column = found[row.deployment.environment_id]
        row.deployment.environment = column.environment
        _place(column, row)
    shown = [column for column in found.values() if not column.environment.retired or column.live or column.coming]
    _tell_watched(shown)
    _tell_freezes(project, shown)
    if reader is not None:
        _ask(reader, shown)
    return shown


def freezes_of(project: Project) -> list[Freeze]:
    """The freezes that hold or come, of the project's environments and of its whole organisation."""
    freezes = Freeze.objects.filter(organization_id=project.organization_id, ends_at__gt=timezone.now())
    own = freezes.filter(Q(environment=None) | Q(environment__project=project))
    return list(own.select_related("environment", "created_by"))


def _place(column: Column, row: Row) -> None:
    status = row.deployment.status
    if status == _S.LIVE:
        column.live = row
    elif status in BUSY:
        column.coming.insert(0, row)
    elif status in PENDING:
        column.coming.append(row)
    elif status in _WENT_WRONG and not row.deployment.live_at:
        column.last = row


def _ask(reader: User, shown: Iterable[Column]) -> None:
    for column in shown:
        rule = column.gates.approval
        waiting = [row for row in column.coming if row.is_waiting] if rule else []
        column.asked = {row.deployment.pk for row in waiting if rule and not refusal(rule, row.deployment, reader)}


def _tell_watched(shown: Iterable[Column]) -> None:
    by_environment = {column.environment.pk: column for column in shown}
    for probe in ProbeResult.objects.filter(environment__in=list(by_environment)):
        by_environment[probe.environment_id or 0].watched.append(probe)


def _tell_freezes(project: Project, shown: Iterable[Column]) -> None:
    freezes = freezes_of(project)
    for column in shown:
        column.freezes = [each for each in freezes if each.environment_id in {None, column.environment.pk}]
