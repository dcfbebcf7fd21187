"""How these tests ask for a plan."""

from __future__ import annotations

from builds.pipeline.make import make
from builds.pipeline.plan import ConfigError, Plan, PlanContext, plan_from_json, plan_to_json

COMMIT = "c0ffee" + "0" * 34


def context(branch: str = "main", **facts: object) -> PlanContext:
    """A push to `branch`."""
    return PlanContext(branch=branch, commit=COMMIT, **facts)


def native(text: str, branch: str = "main", **facts: object) -> Plan:
    """The plan of a ciservice.yml; every plan made here also survives its journey through JSON."""
    return _checked(make({"ciservice.yml": text}, context(branch, **facts)))


def codeship(steps: str, services: str = "app: {image: busybox}", branch: str = "main", **facts: object) -> Plan:
    """The plan of CodeShip's two files."""
    files = {"codeship-steps.yml": steps, "codeship-services.yml": services}
    return _checked(make(files, context(branch, **facts)))


def service(text: str, name: str = "app", **more: str):
    """The service as a step that needs it gets it; `text` is its map."""
    services = "\n".join([f"{name}: {text}", *(f"{other}: {value}" for other, value in more.items())])
    plan = codeship(f"- {{service: {name}, command: 'true'}}", services)
    return next(spec for spec in plan.pipelines[0].services if spec.name == name)


def problems(make_plan, *arguments: object, **facts: object) -> list[str]:
    """What is wrong, one line each."""
    try:
        make_plan(*arguments, **facts)
    except ConfigError as error:
        return [str(problem) for problem in error.problems]
    raise AssertionError("the configuration was taken")


def warnings(plan: Plan) -> list[str]:
    """What is odd, one line each."""
    return [str(problem) for problem in plan.warnings]


def tree(steps) -> list:
    """The steps as nested lists: a run step is its command or script, a group (kind, steps); skipped ones in brackets."""
    found = []
    for step in steps:
        what = (str(step.kind), tree(step.steps)) if step.steps else step.script or " ".join(step.command or ())
        found.append([what] if step.skip else what)
    return found


def _checked(plan: Plan) -> Plan:
    assert plan_from_json(plan_to_json(plan)) == plan
    return plan
