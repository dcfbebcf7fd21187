"""The tree of steps: CodeShip's, and the same with more keys in ciservice.yml."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from builds.pipeline.budget import Budget
from builds.pipeline.filters import why_skipped
from builds.pipeline.keys import CODESHIP_STEP, STEP
from builds.pipeline.nodes import Entry, Node, Scalar
from builds.pipeline.nodes import Mapping as MappingNode
from builds.pipeline.nodes import Sequence as SequenceNode
from builds.pipeline.origin import Origin
from builds.pipeline.pushes import Credentials, read_credentials, read_push
from builds.pipeline.report import Report, clean
from builds.pipeline.section import Section
from builds.pipeline.targets import read_target
from builds.pipeline.what import MAX_NAME, check_length, first_line, name_of, read_what
from builds.pipeline.when import why_not
from runners.contract import StepKind, StepSpec

MAX_GROUPS = 12  # in each other
MAX_RETRIES = 10

_GROUPS = {
    "serial": StepKind.SERIAL,
    "parallel": StepKind.PARALLEL,
    "matrix": StepKind.PARALLEL,
    "manual": StepKind.SERIAL,
}
_RUN_STEPS = ("run steps",)
_BELONGS = {
    **dict.fromkeys(("run", "command", "commands", "image"), _RUN_STEPS),
    **dict.fromkeys(
        ("service", "encrypted_dockercfg_path", "dockercfg_service"), ("run steps", "push steps", "groups")
    ),
    "timeout": ("run steps", "push steps", "deploy steps"),
    "retry": ("run steps", "push steps"),
    **dict.fromkeys(("image_name", "image_tag", "registry"), ("push steps",)),
    "services": ("groups",),
}
_TYPES = ("run", "push", *_GROUPS)


@dataclass(frozen=True)
class _Inherited:
    """What a group hands down to its steps."""

    depth: int = 0
    service: str = ""
    skip: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)
    credentials: Credentials = field(default_factory=Credentials)


class StepReader:
    """Reads lists of steps against one set of services.

    After reading, `used` has the services that a step which will run names.
    """

    def __init__(
        self,
        report: Report,
        origin: Origin,
        services: Collection[str],
        budget: Budget,
        *,
        deploys: bool = False,
    ) -> None:
        """`deploys`: there is a release that a step can bring somewhere."""
        self._deploys = deploys
        self._report = report
        self._origin = origin
        self._context = origin.context
        self._services = services
        self._budget = budget
        self._strict = origin.strict
        self.used: set[str] = set()

    def read(self, entry: Entry) -> tuple[StepSpec, ...]:
        """The steps of a list. Raises ConfigError where there are too many; other problems go to the report."""
        return self._list(entry.node, entry.key, _Inherited())

    def _list(self, node: Node, key: str, inherited: _Inherited) -> tuple[StepSpec, ...]:
        if not isinstance(node, SequenceNode):
            self._report.error(f"`{key}` needs a list of steps", node, key=key)
            return ()
        if not node.items:
            self._report.error(f"`{key}` is an empty list: there has to be a step", node, key=key)
        if inherited.depth > MAX_GROUPS:
            self._report.error(f"groups of steps are nested deeper than {MAX_GROUPS}", node, key=key)
            return ()
        steps = (self._step(item, inherited) for item in node.items)
        return tuple(step for step in steps if step is not None)

    def _step(self, node: Node, inherited: _Inherited) -> StepSpec | None:
        self._budget.spend(node, inherited.environment)
        if self._strict and isinstance(node, Scalar) and not node.is_null:
            return self._shorthand(node, inherited)
        if not isinstance(node, MappingNode):
            self._report.error(
                "a step needs a map with its keys" + (", or a shell script" if self._strict else ""), node
            )
            return None
        table = STEP if self._strict else CODESHIP_STEP
        section = Section(node, table, self._report, strict=self._strict)
        kind = self._type(section)
        inherited = replace(
            inherited,
            skip=inherited.skip or why_skipped(section, self._context) or why_not(section, self._context),
            environment={**inherited.environment, **section.pairs("environment")},
            credentials=self._credentials(section, inherited),
        )
        self._check_place(section, kind)
        read = {"push": self._push, "run": self._run, "deploy": self._deploy}.get(kind, self._group)
        step = read(section, kind, inherited)
        return replace(
            step,
            on_fail=self._on_fail(section, step, inherited),
            allow_failure=section.flag("allow_failure"),
            retries=section.number("retry", MAX_RETRIES) or 0,
        )

    def _type(self, section: Section) -> str:
        """The word of _TYPES that the step is."""
        shapes = [key for key in ("steps", "serial", "parallel") if section.entry(key)]
        if len(shapes) > 1:
            self._report.error(f"`{shapes[0]}` and `{shapes[1]}` exclude each other", section.entry(shapes[1]))
        word = section.text("type")
        if section.entry("deploy"):
            other = next((key for key in ("type", *shapes) if section.entry(key)), "")
            if other:
                self._report.error(f"`deploy` and `{other}` exclude each other", section.entry("deploy"))
            return "deploy"
        if not word:
            return {"parallel": "parallel", "serial": "serial", "steps": "serial"}[shapes[0]] if shapes else "run"
        if word not in _TYPES:
            self._report.error(
                f"the type `{clean(word, 80)}` is not known: {self._report.did_you_mean(word, _TYPES)}",
                section.entry("type"),
            )
            return "serial" if shapes else "run"
        fits = shapes == ["steps"] if word in _GROUPS else not shapes
        if not fits:
            text = "is a group and needs `steps`" if word in _GROUPS else f"is no group and cannot have `{shapes[0]}`"
            self._report.error(f"`type: {word}` {text}", section.entry("type"))
            return "serial" if shapes else "run"
        return word

    def _check_place(self, section: Section, kind: str) -> None:
        """Keys of a group on a run step, and the other way round: CodeShip let them pass."""
        here = "groups" if kind in _GROUPS else f"{kind} steps"
        for key, those in _BELONGS.items():
            if not section.has(key) or here in those:
                continue
            where = f"{those[0]}, not for {here}"
            if self._strict:
                self._report.error(f"`{key}` is for {where}", section.entry(key))
            else:
                self._report.warn(f"`{key}` is for {where}: it is ignored", section.entry(key))

    def _group(self, section: Section, kind: str, inherited: _Inherited) -> StepSpec:
        shape = section.first("steps", "serial", "parallel")
        inner = replace(inherited, depth=inherited.depth + 1, service=self._service(section) or inherited.service)
        copies = self._copies(section)
        steps: tuple[StepSpec, ...] = ()
        if shape and copies:
            steps = tuple(
                self._copy(section, shape, replace(inner, depth=inner.depth + 1, service=name)) for name in copies
            )
        elif shape:
            steps = self._list(shape.node, shape.key, inner)
        step = StepSpec(
            name=name_of(section, kind),
            kind=_GROUPS[kind],
            steps=steps,
            is_manual=kind == "manual",
            skip=inherited.skip,
            line=section.node.mark.line,
        )
        if steps and not step.skip and all(child.skip for child in steps):
            return replace(step, skip=f"none of its steps is for this {'tag' if self._context.is_tag else 'branch'}")
        return step

    def _copy(self, section: Section, shape: Entry, inherited: _Inherited) -> StepSpec:
        """The steps of a group once for one of its `services`."""
        self._budget.spend(section.node, inherited.environment)
        return StepSpec(
            name=clean(inherited.service, MAX_NAME),
            kind=StepKind.SERIAL,
            steps=self._list(shape.node, shape.key, inherited),
            skip=inherited.skip,
            line=section.node.mark.line,
        )

    def _copies(self, section: Section) -> list[str]:
        if section.has("services") and section.has("service"):
            self._report.error("`service` and `services` exclude each other", section.entry("services"))
        names = [name.strip() for name in section.texts("services")]
        for name in names:
            self._check_service(name, section.entry("services"))
        return names

    def _run(self, section: Section, kind: str, inherited: _Inherited) -> StepSpec:
        image = section.text("image")
        service = self._service(section) or ("" if image else inherited.service)
        if image and service:
            self._report.error("`image` and `service` exclude each other", section.entry("image"))
        if not service and not self._strict:
            self._report.error("the step names no `service`, and no group around it does", section.node)
        what = read_what(section, strict=self._strict, is_needed=not inherited.skip)
        return StepSpec(
            name=name_of(section, kind, what),
            service=self._needs(service, inherited),
            image=image,
            command=what[0],
            script=what[1],
            environment=inherited.environment,
            encrypted_dockercfg_path=inherited.credentials.path,
            dockercfg_service=self._needs(inherited.credentials.service, inherited),
            timeout_seconds=section.seconds("timeout"),
            skip=inherited.skip,
            line=section.node.mark.line,
        )

    def _push(self, section: Section, kind: str, inherited: _Inherited) -> StepSpec:
        service = self._service(section) or inherited.service
        name = name_of(section, kind)
        if not service:
            self._report.error(
                "the push names no `service` whose image to push, and no group around it does", section.node
            )
        push, refused = None, ""
        if not inherited.skip:
            push, refused = read_push(section, self._origin, name=name, service=service)
        return StepSpec(
            name=name,
            kind=StepKind.PUSH,
            service=self._needs(service, inherited),
            push=push,
            refused=refused,
            encrypted_dockercfg_path=inherited.credentials.path,
            dockercfg_service=self._needs(inherited.credentials.service, inherited),
            timeout_seconds=section.seconds("timeout"),
            skip=inherited.skip,
            line=section.node.mark.line,
        )

    def _deploy(self, section: Section, kind: str, inherited: _Inherited) -> StepSpec:
        target = read_target(section, self._budget)
        if not self._deploys:
            text = "a `deploy` step stands among the `steps` of an entry under `deployments`: only there is a release"
            self._report.error(text, section.entry("deploy"))
        return StepSpec(
            name=clean(section.text("name"), MAX_NAME) or f"deploy to {target.kind}",
            kind=StepKind.DEPLOY,
            target=target,
            environment=inherited.environment,
            timeout_seconds=section.seconds("timeout"),
            skip=inherited.skip,
            line=section.node.mark.line,
        )

    def _on_fail(self, section: Section, step: StepSpec, inherited: _Inherited) -> tuple[StepSpec, ...]:
        """What is run when it failed: in its service, where they name none."""
        entry = section.entry("on_fail")
        if entry is None or not section.has("on_fail"):
            return ()
        service = step.service or self._service(section) or inherited.service
        return self._list(entry.node, entry.key, replace(inherited, depth=inherited.depth + 1, service=service))

    def _credentials(self, section: Section, inherited: _Inherited) -> Credentials:
        """Its own, or those of the group around it."""
        found = read_credentials(section, self._origin)
        if found.service:
            self._check_service(found.service, section.entry("dockercfg_service"))
        return inherited.credentials if found == Credentials() else found

    def _needs(self, service: str, inherited: _Inherited) -> str:
        """The service, noted where the step will run."""
        if service and not inherited.skip:
            self.used.add(service)
        return service

    def _shorthand(self, node: Scalar, inherited: _Inherited) -> StepSpec:
        """A step that is just a shell script."""
        check_length(Entry("run", node, node.mark), self._report)
        if not node.text.strip():
            self._report.error("the step has nothing to run: it is empty", node)
        return StepSpec(
            name=first_line(node.text) or "run",
            service=self._needs(inherited.service, inherited),
            encrypted_dockercfg_path=inherited.credentials.path,
            dockercfg_service=self._needs(inherited.credentials.service, inherited),
            script=node.text,
            environment=inherited.environment,
            skip=inherited.skip,
            line=node.mark.line,
        )

    def _service(self, section: Section) -> str:
        name = section.text("service")
        if name:
            self._check_service(name, section.entry("service"))
        return name

    def _check_service(self, name: str, place: Entry | None) -> None:
        if name not in self._services:
            self._report.error(
                f"the service `{clean(name, 80)}` does not exist: {self._report.did_you_mean(name, self._services)}",
                place,
            )
