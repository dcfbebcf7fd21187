"""CodeShip's pair of files: which ones are there, and the plan they make."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from builds.pipeline import yaml
from builds.pipeline.budget import Budget
from builds.pipeline.graph import needed
from builds.pipeline.manual import check_manual
from builds.pipeline.nodes import Document, Entry, Mark, Scalar
from builds.pipeline.nodes import Mapping as MappingNode
from builds.pipeline.origin import Origin
from builds.pipeline.paths import folder_of
from builds.pipeline.plan import ConfigError, Plan, PlanContext, Problem
from builds.pipeline.report import Report, in_order
from builds.pipeline.services import Service, read_service
from builds.pipeline.steps import StepReader
from runners.contract import PipelineSpec, Unreadable

FOLDERS = ("", ".codeship/", "codeship/", "docker/")
STEPS = ("codeship-steps.yml", "codeship-steps.yaml", "codeship-steps.json", "jet-steps.yml", "jet-steps.json")
SERVICES = (
    "codeship-services.yml",
    "codeship-services.yaml",
    "codeship-services.json",
    "jet-services.yml",
    "jet-services.json",
)
STAND_IN = "docker-compose.yml"  # at the top, where there is no services file
CANDIDATES = (*(folder + name for folder in FOLDERS for name in (*STEPS, *SERVICES)), STAND_IN)

_BUILD_ONLY = frozenset({"context", "path", "dockerfile", "dockerfile_path", "args"})


def find_steps(files: Mapping[str, str | Unreadable]) -> str:
    """The path of the steps file; "" where there is none."""
    return next((folder + name for folder in FOLDERS for name in STEPS if folder + name in files), "")


def find_services(files: Mapping[str, str | Unreadable], steps_file: str) -> str:
    """The path of the services file: beside the steps, else at the top; "" where there is none."""
    beside = folder_of(steps_file)
    folders = (f"{beside}/", "") if beside else ("",)
    names = (*(folder + name for folder in folders for name in SERVICES), STAND_IN)
    return next((name for name in names if name in files), "")


def has_services_only(files: Mapping[str, str | Unreadable]) -> str:
    """The services file of a repository that lost its steps file; "" otherwise."""
    return next((folder + name for folder in FOLDERS for name in SERVICES if folder + name in files), "")


def make_plan(files: Mapping[str, str | Unreadable], steps_file: str, context: PlanContext) -> Plan:
    """The plan of a steps file and the services file that goes with it. Raises ConfigError."""
    services_file = find_services(files, steps_file)
    if not services_file:
        text = "there is no codeship-services.yml beside it: add one that defines the services of the steps"
        raise ConfigError([Problem(text=text, file=steps_file)])
    steps_document, services_document = _read_both(files, steps_file, services_file)
    report = Report(steps_file)
    report.add_notices(steps_document, strict=False)
    services_report = Report(services_file)
    services_report.add_notices(services_document, strict=False)
    origin = Origin(folder_of(services_file), context, strict=False)
    services = _read_services(services_document, services_report, origin)
    reader = StepReader(report, origin, services.keys(), Budget(report))
    root = steps_document.root
    if root is None:
        report.error("the file is empty: it needs a list of steps")
    steps = reader.read(Entry("steps", root, root.mark)) if root is not None else ()
    check_manual(steps, report)
    specs = needed(reader.used, services, services_report)
    errors = [*report.errors, *services_report.errors]
    if errors:
        raise ConfigError(in_order(errors))
    warnings = [*report.warnings, *services_report.warnings]
    for service in services.values():
        warnings += service.report.warnings
    pipeline = PipelineSpec(name="main", steps=steps, services=specs)
    return Plan(source=steps_file, pipelines=(pipeline,), warnings=tuple(in_order(warnings)))


def _read_both(files: Mapping[str, str | Unreadable], *names: str) -> list[Document]:
    """Both documents; where neither can be read, both say why."""
    found: list[Document] = []
    problems: list[Problem] = []
    for name in names:
        try:
            found.append(yaml.read(files[name], name))
        except ConfigError as error:
            problems += error.problems
    if problems:
        raise ConfigError(problems)
    return found


def _read_services(document: Document, report: Report, origin: Origin) -> dict[str, Service]:
    if not isinstance(document.root, MappingNode):
        report.error("a services file is a map of services by name", document.root or Mark())
        return {}
    return {entry.key: read_service(entry, origin, report.part()) for entry in _entries(document.root)}


def _entries(root: MappingNode) -> Iterator[Entry]:
    """The services, whichever layout the file has."""
    nested = root.get("services")
    if nested is not None and isinstance(nested.node, MappingNode) and _is_layout(root, nested.node):
        yield from nested.node.entries
        return
    for entry in root.entries:
        if isinstance(entry.node, Scalar) and entry.key == "version":
            continue
        yield entry


def _is_layout(root: MappingNode, node: MappingNode) -> bool:
    """Whether `services:` holds services, and is not itself a service of that name."""
    version = root.get("version")
    if version is not None and isinstance(version.node, Scalar) and not version.node.is_null:
        return True
    inner = [entry.node for entry in node.entries]
    if not all(isinstance(item, MappingNode) for item in inner):
        return False
    build = node.get("build")
    if len(inner) == 1 and build is not None and isinstance(build.node, MappingNode):
        return not any(build.node.get(key) for key in _BUILD_ONLY)
    return True
