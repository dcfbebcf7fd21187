"""ciservice.yml: pipelines, services and deployments in one file; what it does not know is an error with a remedy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from builds.pipeline import yaml
from builds.pipeline.budget import Budget
from builds.pipeline.copies import copies
from builds.pipeline.deployments import applying, check_order, read_rule, with_artifacts
from builds.pipeline.gates import read_gates
from builds.pipeline.graph import needed
from builds.pipeline.id_tokens import read_id_tokens
from builds.pipeline.keeping import read_artifacts, read_caches, read_patterns
from builds.pipeline.keys import DEPLOYMENT, FILE, PIPELINE, Table
from builds.pipeline.manual import check_manual, forbid_manual
from builds.pipeline.needs import read_retry, with_needs
from builds.pipeline.nodes import Entry, Mark
from builds.pipeline.nodes import Mapping as MappingNode
from builds.pipeline.origin import Origin
from builds.pipeline.plan import ConfigError, EnvironmentPlan, Plan, PlanContext
from builds.pipeline.report import Report, clean, in_order
from builds.pipeline.rollout import read_rollout
from builds.pipeline.schedules import read_schedules
from builds.pipeline.section import Section
from builds.pipeline.services import Service, read_service
from builds.pipeline.split import read_split
from builds.pipeline.steps import StepReader
from builds.pipeline.when import why_not
from runners.contract import PipelineSpec, ServiceSpec, Unreadable

MAX_PIPELINES = 50  # and as many deployments
MAX_NAME = 100
MAX_LABELS = 20
MAX_SERVICE_CHARACTERS = 4 * 1024 * 1024  # of the services that all pipelines need, each counted for each


def make_plan(text: str | Unreadable, file: str, context: PlanContext) -> Plan:
    """The plan of one ciservice.yml. Raises ConfigError."""
    document = yaml.read(text, file)
    report = Report(file)
    report.add_notices(document, strict=True)
    if not isinstance(document.root, MappingNode):
        report.error("the file needs a map with `steps` or `pipelines`", document.root or Mark())
        raise ConfigError(report.errors)
    return _Reader(document.root, report, context).plan()


@dataclass(frozen=True)
class _Shared:
    """What a pipeline or deployment falls back to."""

    image: str = ""
    environment: Mapping[str, str] | None = None
    labels: tuple[str, ...] = ()
    timeout_seconds: int | None = None
    id_tokens: Mapping[str, tuple[str, ...]] | None = None


class _Reader:
    """Reads one file: its sections share the services, the report and what is said at the top."""

    def __init__(self, root: MappingNode, report: Report, context: PlanContext) -> None:
        self._report = report
        self._context = context
        self._root = Section(root, FILE, report, strict=True)
        self._origin = Origin("", context, strict=True)
        self._budget = Budget(report)
        self._names = ["main"]  # of the pipelines in the file
        self._weights: dict[str, int] = {}
        self._spent = 0
        self._services = self._read_services()
        self._shared = _shared(self._root, _Shared())

    def plan(self) -> Plan:
        """Everything in the file. Raises ConfigError."""
        pipelines = self._pipelines()
        kept = tuple(one.name for one in pipelines if one.artifacts)
        deployments = [with_artifacts(one, kept) for one in self._deployments()]
        schedules = read_schedules(self._root.entry("schedule"), self._report, self._names)
        budget = self._root.seconds("budget") or 0
        needed(
            self._services.keys(), self._services, self._report
        )  # here a service that nobody uses has to be right too
        for service in self._services.values():
            self._report.warnings.extend(service.report.warnings)
        if self._report.errors:
            raise ConfigError(in_order(self._report.errors))
        return Plan(
            source=self._report.file,
            pipelines=tuple(pipelines),
            deployments=() if self._context.only else tuple(deployments),
            schedules=schedules,
            warnings=tuple(in_order(self._report.warnings)),
            budget_seconds=budget,
        )

    def _read_services(self) -> dict[str, Service]:
        return {entry.key: read_service(entry, self._origin, self._report.part()) for entry in self._named("services")}

    def _pipelines(self) -> list[PipelineSpec]:
        steps, several = self._root.entry("steps"), self._root.entry("pipelines")
        if steps and several:
            self._report.error("`steps` and `pipelines` exclude each other", several)
        if steps:
            return with_needs({"main": self._copies("main", self._root.node, FILE)}, self._report)
        if not several and not self._root.entry("deployments"):
            self._report.error("there is nothing to run: add `steps` or `pipelines`")
        copies = {name: self._copies(name, node, PIPELINE) for name, node in self._maps("pipelines")}
        self._names = list(copies)
        only = self._context.only
        wanted = {name: jobs if not only or name in only else [] for name, jobs in copies.items()}
        found = with_needs(wanted, self._report)
        if len(found) > MAX_PIPELINES:
            self._report.error(f"more than {MAX_PIPELINES} pipelines, copies counted", several)
        return found

    def _copies(self, name: str, node: MappingNode, table: Table) -> list[PipelineSpec]:
        """One pipeline as the jobs it comes to; none where it is not for this push."""
        found = []
        for copy in copies(name, node, self._report):
            section = Section(copy.node, table, self._report, strict=True)
            shared = _shared(section, self._shared if table is PIPELINE else _Shared())
            shared = replace(shared, environment={**(shared.environment or {}), **copy.environment})
            spec = self._pipeline(copy.name, section, shared)
            spec = replace(spec, split=read_split(section, copy.environment))
            if not why_not(section, self._context):
                found.append(spec)
        return found

    def _deployments(self) -> list[EnvironmentPlan]:
        sections = self._sections("deployments", DEPLOYMENT)
        rules = {name: read_rule(section, self._context) for name, section in sections}
        check_order(rules, self._report)
        applies = applying(rules, self._context)
        return [
            replace(
                self._environment(name, section),
                branch=rules[name].branch,
                after=rules[name].after,
                applies=name in applies,
            )
            for name, section in sections
        ]

    def _environment(self, name: str, section: Section) -> EnvironmentPlan:
        """One deployment without its rule."""
        shared = _shared(section, self._shared)

        def read_job(steps: Entry | None, *, deploys: bool = False) -> PipelineSpec:
            spec = self._job(name, shared, steps, deploys=deploys)
            forbid_manual(spec.steps, self._report)
            return spec

        return EnvironmentPlan(
            name=name,
            pipeline=read_job(self._steps(name, section), deploys=True),
            gates=read_gates(section),
            rollout=read_rollout(section, self._context, read_job),
        )

    def _sections(self, key: str, table: Table) -> list[tuple[str, Section]]:
        """The maps under `key` by name."""
        return [(name, Section(node, table, self._report, strict=True)) for name, node in self._maps(key)]

    def _maps(self, key: str) -> list[tuple[str, MappingNode]]:
        found: list[tuple[str, MappingNode]] = []
        for entry in self._named(key):
            if isinstance(entry.node, MappingNode):
                found.append((entry.key, entry.node))
            else:
                self._report.error(f"`{clean(entry.key, 100)}` needs a map with `steps`", entry)
        return found

    def _named(self, key: str) -> tuple[Entry, ...]:
        """The entries of a map whose keys are names of the author's."""
        entry = self._root.entry(key)
        if entry is None:
            return ()
        if not isinstance(entry.node, MappingNode) or not entry.node.entries:
            self._report.error(f"`{key}` needs a map by name", entry)
            return ()
        if key != "services" and len(entry.node.entries) > MAX_PIPELINES:
            self._report.error(f"more than {MAX_PIPELINES} {key}", entry)
            self._report.raise_errors()
        for named in entry.node.entries:
            if not named.key.strip() or len(named.key) > MAX_NAME or not named.key.isprintable():
                self._report.error(f"a name under `{key}` has 1 to {MAX_NAME} printable characters", named)
        return entry.node.entries

    def _pipeline(self, name: str, section: Section, shared: _Shared) -> PipelineSpec:
        return replace(
            self._job(name, shared, self._steps(name, section)),
            artifacts=read_artifacts(section),
            caches=read_caches(section),
            allow_failure=section.flag("allow_failure"),
            needs=section.texts("needs"),
            tests=read_patterns(section, "tests"),
            **read_retry(section),
        )

    def _steps(self, name: str, section: Section) -> Entry | None:
        steps = section.entry("steps")
        if steps is None:
            self._report.error(f"`{clean(name, 100)}` needs `steps`", section.node)
        return steps

    def _job(self, name: str, shared: _Shared, steps: Entry | None, *, deploys: bool = False) -> PipelineSpec:
        """The steps with their services and what is shared, and nothing else of a section."""
        reader = StepReader(self._report, self._origin, self._services.keys(), self._budget, deploys=deploys)
        read = reader.read(steps) if steps else ()
        check_manual(read, self._report)
        services = needed(reader.used, self._services, self._report)
        self._weigh(services, steps)
        return PipelineSpec(
            name=name,
            steps=read,
            services=services,
            image=shared.image,
            environment=shared.environment or {},
            labels=shared.labels,
            timeout_seconds=shared.timeout_seconds,
            id_tokens=shared.id_tokens or {},
        )

    def _weigh(self, services: tuple[ServiceSpec, ...], place: Entry | None) -> None:
        """Every job's row carries its services: a hundred pipelines with large ones would fill the database."""
        for spec in services:
            if spec.name not in self._weights:
                self._weights[spec.name] = len(repr(spec))
            self._spent += self._weights[spec.name]
        if self._spent > MAX_SERVICE_CHARACTERS:
            self._report.error(
                f"the pipelines' services amount to more than {MAX_SERVICE_CHARACTERS} characters", place
            )
            self._report.raise_errors()


def _shared(section: Section, outer: _Shared) -> _Shared:
    """What the section says for itself, and what is said around it."""
    labels = tuple(sorted({label.strip() for label in section.texts("labels")})) or outer.labels
    if len(labels) > MAX_LABELS or any(not label or len(label) > MAX_NAME or "," in label for label in labels):
        text = f"`labels` are at most {MAX_LABELS} words without a comma, of at most {MAX_NAME} characters"
        section.report.error(text, section.entry("labels"))
    return _Shared(
        image=section.text("image") or outer.image,
        environment={**(outer.environment or {}), **section.pairs("environment")},
        labels=labels,
        timeout_seconds=section.seconds("timeout") or outer.timeout_seconds,
        id_tokens={**(outer.id_tokens or {}), **read_id_tokens(section)},
    )
