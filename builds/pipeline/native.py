"""ciservice.yml."""

from __future__ import annotations

from builds.pipeline import yaml
from builds.pipeline.nodes import Mapping, Node, Scalar, Sequence
from builds.pipeline.plan import EnvironmentPlan, Plan, PlanContext
from builds.pipeline.report import Report
from runners.contract import PipelineSpec, StepSpec


def make_plan(text: str, file: str, context: PlanContext) -> Plan:
    """The plan of one ciservice.yml. Raises ConfigError."""
    document = yaml.read(text, file)
    report = Report(file)
    report.add_notices(document, strict=True)
    pipelines: list[PipelineSpec] = []
    deployments: list[EnvironmentPlan] = []
    if isinstance(document.root, Mapping):
        if document.root.get("steps"):
            pipelines.append(_pipeline("main", document.root))
        for entry in _entries(document.root, "pipelines"):
            pipelines.append(_pipeline(entry.key, entry.node))
        for entry in _entries(document.root, "deployments"):
            branch = _text(entry.node, "branch")
            applies = branch == context.branch or (not branch and bool(_text(entry.node, "after")))
            deployments.append(
                EnvironmentPlan(
                    name=entry.key,
                    branch=branch,
                    after=_text(entry.node, "after"),
                    pipeline=_pipeline(entry.key, entry.node),
                    applies=applies,
                )
            )
    if not pipelines:
        report.error("there are no steps: add `steps:` or `pipelines:`")
    report.raise_errors()
    return Plan(source=file, pipelines=tuple(pipelines), deployments=tuple(deployments))


def _entries(node, key):
    found = node.get(key)
    return found.node.entries if found and isinstance(found.node, Mapping) else ()


def _text(node: Node, key: str) -> str:
    entry = node.get(key) if isinstance(node, Mapping) else None
    return entry.node.text if entry and isinstance(entry.node, Scalar) else ""


def _pipeline(name: str, node: Node) -> PipelineSpec:
    steps = node.get("steps") if isinstance(node, Mapping) else None
    items = steps.node.items if steps and isinstance(steps.node, Sequence) else ()
    return PipelineSpec(name=name, image=_text(node, "image"), steps=tuple(_step(item) for item in items))


def _step(node: Node) -> StepSpec:
    run = node.text if isinstance(node, Scalar) else _text(node, "run")
    name = _text(node, "name") or run.strip().splitlines()[0][:100]
    return StepSpec(name=name, script=run, image=_text(node, "image"), line=node.mark.line)
