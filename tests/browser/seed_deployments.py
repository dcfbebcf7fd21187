"""Environments, releases and deployments in every state, for the browser tests and for looking at the pages."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.utils import timezone

from accounts.models import User
from builds.models import Build, Job, Project
from builds.models.job import JobKind
from builds.pipeline.delivery import Approval, Gates, Probe, Rollback, Rollout, Watch, Window
from builds.pipeline.plan import EnvironmentPlan, Plan, plan_to_json
from builds.states import Status
from deployments.models import (
    ApprovalDecision,
    Deployment,
    DeploymentMove,
    Environment,
    Freeze,
    ProbeResult,
    Release,
    Stage,
    StageKind,
)
from deployments.services.gates_of import gates_to_json
from deployments.states import DeploymentStatus
from runners.contract import PipelineSpec, StepSpec
from tests.browser.seed import make_build, make_job, make_step

_S = DeploymentStatus
URL = "https://shop.example.com/health"
ROLLOUT = Rollout(
    percents=(1, 10, 50),
    bake_seconds=600,
    probes=(Probe(url=URL), Probe(url="https://shop.example.com/cart")),
    checks=PipelineSpec(name="checks", steps=(StepSpec(name="smoke", script="./smoke.sh"),)),
    rollback=Rollback(automatic=True),
    url="https://shop.example.com/",
)
GATES = Gates(
    branches=("main",),
    approval=Approval(roles=("manager",), not_author=True),
    windows=(
        Window(days=(0, 1, 2, 3), start=1080, end=600, zone="Europe/Vienna", text="Mon-Thu 18:00-10:00 Europe/Vienna"),
    ),
    watch=Watch(),
)
ANSWER = (
    "HTTP/1.1 500 Internal Server Error\nserver: nginx\n\n"
    '{"error": "relation \\"cart_items\\" does not exist", "trace": "b81c5f", "path": "/health"}'
)


def plan_json(names: tuple[str, ...] = ("staging", "production")) -> dict[str, object]:
    """A plan that goes to these environments, the last by canary."""
    plans = [
        EnvironmentPlan(
            name=name,
            branch="" if number else "main",
            after=names[number - 1] if number else "",
            pipeline=PipelineSpec(
                name=name, steps=(StepSpec(name="deploy", script=f"./deploy {name}"),), environment={"LEVEL": name}
            ),
            applies=True,
            rollout=ROLLOUT if number == len(names) - 1 else Rollout(probes=ROLLOUT.probes[:1]),
        )
        for number, name in enumerate(names)
    ]
    return plan_to_json(Plan(source="ciservice.yml", pipelines=(), deployments=tuple(plans)))


@dataclass
class Place:
    """A project with environments, and a hand that puts releases and deployments there."""

    project: Project
    names: tuple[str, ...] = ("staging", "production")
    now: datetime = field(default_factory=timezone.now)

    def __post_init__(self) -> None:
        self.environments = {
            name: Environment.objects.create(
                project=self.project,
                name=name,
                position=position,
                branch="" if position else "main",
                after=self.names[position - 1] if position else "",
                source="main",
                url=ROLLOUT.url if position else "https://staging.example.com/",
            )
            for position, name in enumerate(self.names)
        }

    def protect(self, name: str, gates: Gates = GATES) -> Environment:
        """Gates for an environment."""
        environment = self.environments[name]
        environment.gates = gates_to_json(gates)
        environment.save()
        return environment

    def release(self, message: str, *, minutes: float = 60, **fields: object) -> Release:
        """A release of a build that passed so long ago."""
        at = self.now - timedelta(minutes=minutes)
        build = make_build(self.project, Status.PASSED, at=at, message=message, plan=plan_json(self.names))
        make_step(make_job(build, "test", Status.PASSED), "0", "unit", Status.PASSED, since=1, seconds=40, exit_code=0)
        number = Release.objects.filter(project=self.project).count() + 1
        values = {
            "images": {"python:3.12": "python@sha256:" + "4f" * 32, "pushed by push web": "sha256:" + "9c" * 32},
            "config_digest": "7b" * 32,
            **fields,
        }
        return Release.objects.create(project=self.project, build=build, number=number, commit=build.commit, **values)

    def deployment(
        self, release: Release, name: str, status: str, *, minutes: float = 10, **fields: object
    ) -> Deployment:
        """One that was asked for so long ago."""
        at = self.now - timedelta(minutes=minutes)
        values: dict[str, object] = {"automatic": not fields.get("is_rollback"), **fields}
        if status not in {_S.REQUESTED, _S.HELD, _S.WAITING}:
            values.setdefault("started_at", at + timedelta(seconds=5))
        if status in {_S.LIVE, _S.SUPERSEDED}:
            values.setdefault("live_at", at + timedelta(minutes=2))
        if status in {_S.LIVE, _S.SUPERSEDED, _S.FAILED, _S.ROLLED_BACK, _S.CANCELLED, _S.UNKNOWN}:
            values.setdefault("finished_at", at + timedelta(minutes=2))
        made = Deployment.objects.create(environment=self.environments[name], release=release, status=status, **values)
        Deployment.objects.filter(pk=made.pk).update(created_at=at)
        DeploymentMove.objects.create(deployment=made, went_to="requested", who=f"build {release.build.number}")
        if status != _S.REQUESTED:
            reason = str(values.get("reason", ""))
            DeploymentMove.objects.create(
                deployment=made, came_from="requested", went_to=status, who="queue", reason=reason
            )
        return made

    def stage(self, deployment: Deployment, percent: float, *, status: str = Status.PASSED, **fields: object) -> Stage:
        """A stage with its job and step; `status` is the job's."""
        release = fields.pop("release", deployment.release)
        number = deployment.stages.count() + 1
        job = self._job(release.build, deployment.environment.name, JobKind.DEPLOYMENT, status)
        stage = Stage.objects.create(
            deployment=deployment, number=number, percent=percent, release=release, job=job, **fields
        )
        deployment.job = job
        deployment.save(update_fields=["job"])
        return stage

    def passed(self, deployment: Deployment, percent: float, *, minutes: float = 10) -> Stage:
        """A stage that was right, and stayed so."""
        at = self.now - timedelta(minutes=minutes)
        right = at + timedelta(seconds=20)
        stage = self.stage(
            deployment,
            percent,
            rolled_out_at=at,
            right_at=right,
            bakes_until=right + timedelta(minutes=5),
            ended_at=right + timedelta(minutes=5),
            passed=True,
        )
        self.probe(stage, 0, tries=61)
        return stage

    def probe(self, stage: Stage, position: int = 0, *, right: bool = True, **fields: object) -> ProbeResult:
        """What an address answered."""
        values: dict[str, object] = {
            "url": ROLLOUT.probes[position].url,
            "is_right": right,
            "was_right": right,
            "tries": 3,
            "status": 200 if right else 500,
            "milliseconds": 84 if right else 1204,
            "reason": "" if right else "It answered 500 instead of 2xx",
            "answer": "" if right else ANSWER,
            "failures": 0 if right else 2,
            "at": self.now - timedelta(seconds=8),
            **fields,
        }
        return ProbeResult.objects.create(stage=stage, position=position, **values)

    def watched(self, name: str, *, right: bool = True) -> None:
        """What a live environment's address answers."""
        environment = self.environments[name]
        environment.health = "good" if right else "bad"
        environment.health_reason = "" if right else f"{URL} answered 500 instead of 2xx, 3 times in a row"
        environment.health_since = self.now - timedelta(minutes=4)
        environment.save()
        ProbeResult.objects.create(
            environment=environment,
            position=0,
            url=URL,
            is_right=right,
            was_right=True,
            tries=412,
            failures=0 if right else 3,
            status=200 if right else 500,
            milliseconds=62,
            reason="" if right else "It answered 500 instead of 2xx",
            answer="" if right else ANSWER,
            at=self.now - timedelta(seconds=20),
        )

    def live(self, name: str, message: str, *, minutes: float = 90, release: Release | None = None) -> Deployment:
        """What is live, verified."""
        release = release or self.release(message, minutes=minutes + 5)
        made = self.deployment(release, name, _S.LIVE, minutes=minutes)
        self.passed(made, 100, minutes=minutes)
        return made

    def freeze(self, reason: str, *, name: str = "", hours: float = 30, starts: float = -2) -> Freeze:
        """A freeze of an environment, or of all."""
        return Freeze.objects.create(
            organization=self.project.organization,
            environment=self.environments.get(name),
            starts_at=self.now + timedelta(hours=starts),
            ends_at=self.now + timedelta(hours=hours),
            reason=reason,
        )

    def _job(self, build: Build, name: str, kind: str, status: str) -> Job:
        started = None if status == Status.QUEUED else self.now - timedelta(minutes=3)
        ended = self.now - timedelta(minutes=2) if status not in {Status.QUEUED, Status.RUNNING} else None
        job = make_job(build, name, status, kind=kind, started_at=started, finished_at=ended)
        if started:
            make_step(job, "0", "deploy", status, since=2, seconds=20, command=f"./deploy {name}")
        return job


def canary(place: Place) -> Deployment:
    """Stage 2 of 4 bakes; a release waits behind it."""
    place.protect("production")
    first = place.live("staging", "Fix tax rounding for orders with mixed rates")
    place.live("production", "", minutes=80, release=first.release)
    place.watched("production")
    second = place.release("New checkout button", minutes=30)
    Deployment.objects.filter(pk=first.pk).update(status=_S.SUPERSEDED)
    place.live("staging", "", minutes=20, release=second)
    rolling = place.deployment(second, "production", _S.VERIFYING, minutes=15, previous=first.release)
    place.passed(rolling, 1, minutes=12)
    stage = place.stage(
        rolling,
        10,
        rolled_out_at=place.now - timedelta(minutes=3),
        right_at=place.now - timedelta(minutes=2),
        bakes_until=place.now + timedelta(minutes=8),
    )
    place.probe(stage, 0, tries=24)
    place.probe(stage, 1, tries=24, reason="It answered 502 instead of 2xx", milliseconds=1840)
    return rolling


def failed_probe(place: Place) -> Deployment:
    """A canary that was taken back by itself; the answer that did it is kept."""
    first = place.live("staging", "Fix tax rounding for orders with mixed rates")
    place.live("production", "", minutes=80, release=first.release)
    Deployment.objects.filter(pk=first.pk).update(status=_S.SUPERSEDED)
    second = place.release("New checkout button", minutes=30)
    place.live("staging", "", minutes=20, release=second)
    why = f"{URL} answered 500 instead of 2xx"
    back = place.deployment(
        second, "production", _S.ROLLED_BACK, minutes=15, previous=first.release, reason=why, turning_back=why
    )
    place.passed(back, 1, minutes=12)
    bad = place.stage(
        back, 10, rolled_out_at=place.now - timedelta(minutes=5), ended_at=place.now, passed=False, reason=why
    )
    place.probe(bad, 0, right=False)
    place.probe(bad, 1)
    undo = place.stage(
        back,
        100,
        kind=StageKind.ROLLBACK,
        release=first.release,
        rolled_out_at=place.now - timedelta(minutes=4),
        right_at=place.now - timedelta(minutes=4),
        ended_at=place.now - timedelta(minutes=4),
        passed=True,
    )
    place.probe(undo, 0, tries=1)
    return back


def held(place: Place) -> Deployment:
    """A release waits for the window, another for approval, and a freeze is on."""
    place.protect("production")
    first = place.live("staging", "Fix tax rounding for orders with mixed rates")
    place.live("production", "", minutes=80, release=first.release)
    place.freeze("Black Friday: nobody changes the shop", name="production")
    second = place.release("New checkout button", minutes=30)
    made = place.deployment(
        second,
        "production",
        _S.HELD,
        held_until=place.now + timedelta(hours=30),
        reason="Frozen until Monday at 18:00 (Europe/Vienna): Black Friday: nobody changes the shop",
    )
    ApprovalDecision.objects.create(
        deployment=made, who="grace@example.com", approved=True, comment="Looked at it on staging."
    )
    return made


def waiting(place: Place) -> Deployment:
    """A release waits for a manager."""
    place.protect("production")
    first = place.live("staging", "Fix tax rounding for orders with mixed rates")
    return place.deployment(
        first.release,
        "production",
        _S.WAITING,
        expires_at=place.now + timedelta(days=7),
        reason="Waits for the approval of a manager, other than its author",
    )


def unknown(place: Place) -> Deployment:
    """The runner was lost in the middle."""
    first = place.live("staging", "Fix tax rounding for orders with mixed rates")
    place.live("production", "", minutes=80, release=first.release)
    second = place.release("New checkout button", minutes=30)
    lost = place.deployment(
        second,
        "production",
        _S.UNKNOWN,
        previous=first.release,
        reason="The runner was lost: no sign of life for 60 s.",
    )
    place.stage(lost, 1, status=Status.ERRORED)
    return lost


def unhealthy(place: Place) -> Deployment:
    """What is live does not answer any more; before, a person had gone back."""
    first = place.live("staging", "Fix tax rounding for orders with mixed rates", minutes=300)
    bad = place.release("New checkout button", minutes=200)
    middle = place.release("Retry on 503", minutes=220)
    place.deployment(
        bad,
        "production",
        _S.ROLLED_BACK,
        minutes=190,
        live_at=place.now - timedelta(minutes=180),
        reason="release 1 took its place",
    )
    place.deployment(middle, "production", _S.SUPERSEDED, minutes=210)
    back = place.deployment(
        first.release,
        "production",
        _S.LIVE,
        minutes=100,
        is_rollback=True,
        requested_by=User.objects.order_by("id").first(),
        previous=bad,
        request_reason="Checkout answers 500 for carts with a coupon",
    )
    place.passed(back, 100, minutes=98)
    place.watched("production", right=False)
    return back


STATES = {
    "canary": canary,
    "failed-probe": failed_probe,
    "held": held,
    "waiting": waiting,
    "unknown": unknown,
    "unhealthy": unhealthy,
}
