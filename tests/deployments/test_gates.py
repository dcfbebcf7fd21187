"""Whoever says and does whatever, whenever: nothing passes a gate that is closed, and what may go goes."""

from __future__ import annotations

import random
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from accounts.models import Membership, Role, User
from builds.models import Build, Job
from builds.pipeline.delivery import Approval
from builds.pipeline.windows import is_open
from builds.services.move import move_build, move_job
from builds.states import FINAL as JOB_FINAL
from builds.states import Status
from deployments.models import Deployment, Environment, Freeze, Release
from deployments.services.approve import decide
from deployments.services.freezes import freeze, thaw
from deployments.services.gates_of import gates_of, gates_to_json
from deployments.services.override import override
from deployments.services.request import RefusedError, request_by_hand
from deployments.services.rollback import rollback
from deployments.services.sweep import sweep
from deployments.states import PENDING
from tests.deployments.gated import VIENNA, staging

RULE = Approval(roles=("manager",), not_author=True, expires_seconds=3 * 86_400)
RULES = [RULE, Approval(roles=("owner",)), Approval(people=("contributor@example.com",)), None, None]
ACTIONS = [
    "pass",
    "pass",
    "minutes",
    "hours",
    "hours",
    "approve",
    "approve",
    "reject",
    "override",
    "freeze",
    "freeze",
    "thaw",
]
ACTIONS += ["rule", "role", "end", "end", "rollback", "again", "sweep"]
_RANKS = [Role.CONTRIBUTOR, Role.PROJECT_MANAGER, Role.MANAGER, Role.OWNER]


class World:
    """One project's staging, its people, and a clock."""

    def __init__(self, clock, make_build, plan, people):
        self.clock, self.make_build, self.plan, self.people = clock, make_build, plan, people

    def do(self, action, chance):
        """One thing happens; what people may not do is refused."""
        deployments = list(Deployment.objects.select_related("environment", "release").order_by("id"))
        one, who = chance.choice(deployments), chance.choice(self.people)
        with suppress(RefusedError):
            self._do(action, one, who, chance)

    def _do(self, action, one, who, chance):
        if action == "pass":
            self.passes(chance.choice(self.people).email)
        elif action in {"minutes", "hours"}:
            length = (
                timedelta(minutes=chance.randint(1, 90))
                if action == "minutes"
                else timedelta(hours=chance.randint(1, 60))
            )
            self.clock((timezone.now() + length).isoformat())
        elif action in {"approve", "reject"}:
            for waiting in Deployment.objects.filter(status="waiting"):
                decide(waiting, user=who, approved=action == "approve")
        elif action == "override":
            override(one, user=who, reason="why")
        elif action == "freeze":
            begins = timezone.now() + timedelta(hours=chance.randint(-5, 5))
            its = one.environment if chance.random() < 0.5 else None
            ends = begins + timedelta(hours=chance.randint(1, 50))
            organization = one.environment.project.organization
            freeze(organization, environment=its, starts_at=begins, ends_at=ends, reason="why", user=self.people[0])
        elif action == "thaw":
            for each in Freeze.objects.all()[:1]:
                thaw(each, user=who)
        elif action == "role":
            Membership.objects.filter(user=who).update(role=chance.choice(_RANKS))
        elif action == "rule":
            gates = gates_of(one.environment)
            plan = staging(*[window.text for window in gates.windows], approval=chance.choice(RULES))
            Environment.objects.update(gates=gates_to_json(plan.gates))
        else:
            self._go(action, one, who, chance)

    def _go(self, action, one, who, chance):
        if action == "end":
            for job in Job.objects.filter(kind="deployment").exclude(status__in=JOB_FINAL):
                move_job(job.pk, Status.RUNNING, fields={"attempt": 1})
                move_job(job.pk, Status.PASSED if chance.random() < 0.8 else Status.FAILED)
        elif action == "rollback":
            rollback(one.environment, one.release, user=who, who=who.email, reason="why")
        elif action == "again":
            request_by_hand(one.environment, one.release, user=who, who=who.email)
        else:
            sweep()

    def passes(self, author):
        """A build of main passes."""
        build = self.make_build(plan=self.plan, status=Status.RUNNING, author_email=author)
        move_build(build.pk, Status.PASSED)


def check(gone):
    """Whatever has begun since the last time was let through by every gate that there is now."""
    now = timezone.now()
    begun = Deployment.objects.filter(started_at__isnull=False).exclude(pk__in=gone)
    for each in begun.select_related("environment__project", "release__build"):
        gone.add(each.pk)
        if each.is_rollback:
            continue
        gates = gates_of(each.environment)
        assert each.started_at == now
        assert is_open(gates.windows, now) or each.override_reason, "outside the window"
        frozen = Freeze.objects.filter(starts_at__lte=now, ends_at__gt=now)
        assert each.override_reason or not frozen.exists(), "in a freeze"
        assert gates.approval is None or agreed(gates.approval, each), "nobody agreed"


def agreed(rule, deployment):
    """Whether somebody said yes who may, by the rule and the roles of now; reckoned in another way."""
    for decision in deployment.decisions.filter(approved=True).select_related("user"):
        role = Membership.objects.get(user=decision.user).role
        by_role = any(_RANKS.index(Role(role)) >= _RANKS.index(Role(least)) for least in rule.roles)
        is_author = decision.user.email == deployment.release.build.author_email
        asked = deployment.requested_by == decision.user
        if (by_role or decision.user.email in rule.people) and not (rule.not_author and (is_author or asked)):
            return True
    return False


def check_due():
    """After the clock has rung, nothing is left that is due."""
    now = timezone.now()
    assert not Deployment.objects.filter(status="waiting", expires_at__lte=now).exists()
    for environment in Environment.objects.all():
        if not environment.deployments.busy().exists():
            assert not environment.deployments.filter(status="requested").exists() or gates_of(environment).queue
            assert not environment.deployments.filter(status="held", held_until__lte=now).exists()


@pytest.mark.django_db
@settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(script=st.lists(st.tuples(st.sampled_from(ACTIONS), st.integers(0, 10**6)), min_size=25, max_size=60))
def test_nothing_passes_a_closed_gate_whoever_does_whatever(
    release, make_build, make_user, organization, clock, commits, owner, script
):
    for model in (Deployment, Release, Build, Freeze, Environment):
        model.objects.all().delete()
    clock("2026-03-26T12:00:00+00:00")  # the clocks go on three days later
    people = [owner, *(a_member(make_user, organization, role) for role in _RANKS)]
    plan = release(staging(VIENNA, approval=RULE)).plan
    world, gone = World(clock, make_build, plan, people), set()
    check(gone)
    for action, seed in script:
        chance = random.Random(seed)
        if chance.random() < 0.7:
            with commits():
                world.do(action, chance)
        else:
            world.do(action, chance)  # and nobody hears of it
        check(gone)
        if action == "sweep":
            check_due()
    _finish(world, owner, gone)


def a_member(make_user, organization, role):
    """The same person in every run, with this role again."""
    email = f"{role}@example.com"
    if not User.objects.filter(email=email).exists():
        make_user(email, organization, role)
    Membership.objects.filter(user__email=email).update(role=role)
    return User.objects.get(email=email)


def _finish(world, owner, gone):
    """In the end the owner agrees to everything, nothing is frozen, and the window is open: nothing waits any more."""
    Membership.objects.filter(user=owner).update(role=Role.OWNER)
    Freeze.objects.all().delete()
    Environment.objects.update(gates=gates_to_json(staging(VIENNA, approval=Approval(roles=("owner",))).gates))
    monday = datetime(2027, 3, 1, 20, tzinfo=UTC)
    for number in range(60):
        world.clock((monday + timedelta(seconds=number)).isoformat())
        sweep()
        check(gone)
        for waiting in Deployment.objects.filter(status="waiting"):
            decide(waiting, user=owner, approved=True)
        for job in Job.objects.filter(kind="deployment").exclude(status__in=JOB_FINAL):
            move_job(job.pk, Status.RUNNING, fields={"attempt": 1})
            move_job(job.pk, Status.PASSED)
        if not Deployment.objects.filter(status__in=PENDING | {"rolling_out"}).exists():
            return
    raise AssertionError(list(Deployment.objects.values_list("status", "reason")))
