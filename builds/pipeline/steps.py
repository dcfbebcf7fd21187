"""The tree of steps: CodeShip's, and the same with more keys in ciservice.yml."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from builds.pipeline.budget import Budget
from builds.pipeline.filters import why_skipped
from builds.pipeline.keys import CODESHIP_STEP, STEP
from builds.pipeline.nodes import Entry, Node, Scalar
from builds.pipeline.nodes import Mapping as MappingNode
from builds.pipeline.nodes import Sequence as SequenceNode
from builds.pipeline.one_session import one_session
from builds.pipeline.plan import PlanContext
from builds.pipeline.report import Report, clean
from builds.pipeline.section import NOT_YET, Section
from runners.contract import StepKind, StepSpec

MAX_GROUPS = 12  # in each other
MAX_NAME = 120
MAX_COMMAND = 64 * 1024

_GROUPS = {
    "serial": StepKind.SERIAL,
    "parallel": StepKind.PARALLEL,
    "matrix": StepKind.PARALLEL,
    "manual": StepKind.SERIAL,
}
_TYPES = ("run", "push", *_GROUPS)


@dataclass(frozen=True)
class _Inherited:
    """What a group hands down to its steps."""

    depth: int = 0
    service: str = ""
    skip: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)


class StepReader:
    """Reads lists of steps against one set of services.

    `strict` is ciservice.yml. After reading, `used` has the services that a step which will run names.
    """

    def __init__(
        self,
        report: Report,
        context: PlanContext,
        services: Collection[str],
        budget: Budget,
        *,
        strict: bool,
    ) -> None:
        self._report = report
        self._context = context
        self._services = services
        self._budget = budget
        self._strict = strict
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
            skip=inherited.skip or why_skipped(section, self._context),
            environment={**inherited.environment, **section.pairs("environment")},
        )
        self._refuse_what_comes_later(section, kind, inherited)
        self._check_place(section, kind)
        if kind in _GROUPS:
            return self._group(section, kind, inherited)
        return self._run(section, kind, inherited)

    def _type(self, section: Section) -> str:
        """The word of _TYPES that the step is."""
        shapes = [key for key in ("steps", "serial", "parallel") if section.entry(key)]
        if len(shapes) > 1:
            self._report.error(f"`{shapes[0]}` and `{shapes[1]}` exclude each other", section.entry(shapes[1]))
        word = section.text("type")
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
        misplaced = ("run", "command", "commands", "image", "timeout") if kind in _GROUPS else ("services",)
        for key in misplaced:
            if not section.has(key):
                continue
            where = "run steps, not for groups" if kind in _GROUPS else "groups, not for run steps"
            if self._strict:
                self._report.error(f"`{key}` is for {where}", section.entry(key))
            else:
                self._report.warn(f"`{key}` is for {where}: it is ignored", section.entry(key))

    def _refuse_what_comes_later(self, section: Section, kind: str, inherited: _Inherited) -> None:
        """Errors for what would run, and would do something else than the author meant."""
        if inherited.skip:
            return
        if kind in ("push", "manual"):
            text = f"`type: {kind}` {NOT_YET}: remove the step, or keep it to other branches with `tag` or `exclude`"
            self._report.error(text, section.entry("type"))
        if section.has("on_fail"):
            self._report.error(f"`on_fail` {NOT_YET}: remove it to run without", section.entry("on_fail"))
        if kind == "push":
            return
        for key in ("encrypted_dockercfg_path", "dockercfg_service"):
            if section.has(key):
                self._report.warn(f"`{key}` {NOT_YET}: only public images can be pulled", section.entry(key))

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
            name=self._name(section, kind),
            kind=_GROUPS[kind],
            steps=steps,
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
        if service and not inherited.skip:
            self.used.add(service)
        command, script = (None, None) if kind == "push" else self._what(section, inherited)
        return StepSpec(
            name=self._name(section, kind, command, script),
            service=service,
            image=image,
            command=command,
            script=script,
            environment=inherited.environment,
            timeout_seconds=section.seconds("timeout"),
            skip=inherited.skip,
            line=section.node.mark.line,
        )

    def _what(self, section: Section, inherited: _Inherited) -> tuple[tuple[str, ...] | None, str | None]:
        """The command or the script of a run step; exactly one of them has to be there."""
        for key in ("run", "command"):
            self._check_length(section.entry(key))
        given = [key for key in ("run", "command", "commands") if section.has(key)]
        if len(given) > 1:
            self._report.error(f"`{given[0]}` and `{given[1]}` exclude each other", section.entry(given[0]))
        command, script = section.argv("command"), section.script("run") if section.has("run") else None
        if section.has("commands"):
            script = self._one_session(section)
        if not command and not (script or "").strip() and not inherited.skip:
            wanted = "`run`, `commands` or `command`" if self._strict else "`command`"
            self._report.error(f"the step has nothing to run: it needs {wanted}", section.node)
        return command, script

    def _one_session(self, section: Section) -> str:
        """The script of a step with `commands`."""
        lines = [line for line in section.texts("commands") if line.strip()]
        script = one_session(lines) if lines else ""
        place = section.entry("commands")
        if place:
            self._check_length(Entry(place.key, Scalar(script, place.mark), place.mark))
        return script

    def _check_length(self, entry: Entry | None) -> None:
        """Linux takes no argument beyond 128 KiB; and what is so long should be a file of the repository."""
        if entry and isinstance(entry.node, Scalar) and len(entry.node.text) > MAX_COMMAND:
            text = f"`{entry.key}` is longer than {MAX_COMMAND} characters: put it into a file of the repository"
            self._report.error(text, entry)
            self._report.raise_errors()

    def _shorthand(self, node: Scalar, inherited: _Inherited) -> StepSpec:
        """A step that is just a shell script."""
        self._check_length(Entry("run", node, node.mark))
        if not node.text.strip():
            self._report.error("the step has nothing to run: it is empty", node)
        if inherited.service and not inherited.skip:
            self.used.add(inherited.service)
        return StepSpec(
            name=_first_line(node.text) or "run",
            service=inherited.service,
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

    def _name(
        self, section: Section, kind: str, command: Sequence[str] | None = None, script: str | None = None
    ) -> str:
        if name := section.text("name"):
            return clean(name, MAX_NAME)
        if kind == "push":
            return clean(f"push {section.text('image_name') or section.text('service')}", MAX_NAME)
        if kind in _GROUPS:
            return kind
        written = section.entry("command")
        if command and written and isinstance(written.node, Scalar):
            return clean(" ".join(written.node.text.split()), MAX_NAME)
        if section.has("commands"):
            script = "\n".join(section.texts("commands"))
        return _first_line(script or "") or clean(" ".join(command or ()), MAX_NAME) or section.text("service") or kind


def _first_line(script: str) -> str:
    """The first line that says something, for a name."""
    lines = (line.strip() for line in script.splitlines())
    return clean(next((line for line in lines if line and not line.startswith("#")), ""), MAX_NAME)
