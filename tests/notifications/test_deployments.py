"""What people hear of deployments that wait, that are taken back, and of what is live."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core import mail
from django.utils import timezone

from accounts.models import Role
from builds.models import Job, Step
from builds.pipeline.delivery import Approval, Gates
from builds.states import Status
from deployments.models import ApprovalDecision, Deployment, Environment, HealthMove, Release, Stage
from deployments.services.gates_of import gates_to_json
from deployments.services.move import create, move
from deployments.signals import health_moved
from deployments.states import DeploymentStatus
from notifications.channels.colours import colour_of
from notifications.models import RULE_EVENTS, Event, Message, Rule
from notifications.services.sweep import Sweep
from notifications.services.tell import tell_of_deployment
from tests.notifications.test_messages import send_all

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("ada")]
_S = DeploymentStatus


@pytest.fixture
def place(project):
    return Environment.objects.create(project=project, name="production")


@pytest.fixture
def listen(project):
    """A rule of the committer's for these events."""

    def listen(*events, **fields) -> Rule:
        names = [str(event) for event in events]
        return Rule.objects.create(project=project, events=names, channel="email", target="committer", **fields)

    return listen


@pytest.fixture
def goes(place, make_build, django_capture_on_commit_callbacks):
    """A deployment of a new release goes through these states, the last with a reason."""

    def goes(*states, reason="", author="ada@example.com", **fields) -> Deployment:
        number, build = Release.objects.count() + 1, make_build(author_email=author)
        release = Release.objects.create(project=place.project, build=build, number=number, commit="a" * 40)
        deployment = create(Deployment(environment=place, release=release, **fields), who="test")
        with django_capture_on_commit_callbacks(execute=True):
            for state in states:
                told = reason if state == states[-1] else ""
                assert move(deployment.pk, state, who="queue", reason=told), state
        deployment.refresh_from_db()
        return deployment

    return goes


def subjects() -> list[str]:
    return list(Message.objects.order_by("id").values_list("subject", flat=True))


def test_who_has_to_agree_is_asked_with_a_link(listen, goes, settings):
    settings.PUBLIC_URL = "https://ci.example.com"
    listen(Event.APPROVAL)
    waiting = goes(_S.WAITING, reason="Waits for the approval of a manager")
    assert subjects() == ["shop/api production: Release 1 is to go to production: waits for the approval of a manager"]
    send_all()
    link = f"https://ci.example.com/projects/{waiting.environment.project.uuid}/deployments/{waiting.uuid}/"
    assert mail.outbox[0].body.count(link) == 1


def test_until_when_somebody_has_to_agree(listen, goes, place):
    listen(Event.APPROVAL)
    waiting = goes()
    last = timezone.now() + timedelta(days=2)
    Deployment.objects.filter(pk=waiting.pk).update(expires_at=last)
    move(waiting.pk, _S.WAITING, who="queue", reason="Waits for the approval of a manager")
    tell_of_deployment(waiting.pk, _S.WAITING)
    assert f"to be approved before {last:%A} at {last:%H:%M} (UTC)" in Message.objects.get().details


@pytest.fixture
def asks(project, place, make_user, organization):
    """A rule for approvers, and an environment in which these may agree."""

    def asks(rule: Approval) -> None:
        Rule.objects.create(project=project, events=["approval"], channel="email", target="approvers")
        for role in Role.values:
            make_user(f"{role}@example.com", organization, role)
        place.gates = gates_to_json(Gates(approval=rule))
        place.save()

    return asks


@pytest.mark.parametrize(
    ("rule", "author", "told"),
    [
        (Approval(roles=("manager",)), "manager", ["manager", "owner"]),
        (Approval(roles=("manager",), not_author=True), "manager", ["owner"]),
        (Approval(people=("contributor@example.com", "nobody@example.com")), "x", ["contributor"]),
    ],
)
def test_who_may_agree_is_written_to(asks, goes, rule, author, told):
    asks(rule)
    waiting = goes(_S.WAITING, author=f"{author}@example.com")
    tell_of_deployment(waiting.pk, _S.WAITING)
    send_all()
    assert sorted(sent.to[0] for sent in mail.outbox) == [f"{name}@example.com" for name in told]
    assert len({sent.subject for sent in mail.outbox}) == 1


def test_where_nobody_may_agree_that_is_seen(asks, goes):
    asks(Approval(people=("nobody@example.com",)))
    goes(_S.WAITING)
    message = Message.objects.get()
    assert (message.state, message.error) == ("dropped", "Nobody of the organisation may approve it")


def test_what_is_held_twice_is_told_once(listen, goes):
    listen(Event.HELD)
    goes(_S.HELD, _S.REQUESTED, _S.HELD, reason="The window opens on Monday at 18:00 (Europe/Vienna)")
    held = "the window opens on Monday at 18:00 (Europe/Vienna)"
    assert subjects() == [f"shop/api production: Release 1 is to go to production: {held}"]


def test_what_is_taken_back_is_told_to_who_listens_to_failures_too(listen, goes, place):
    listen(Event.ROLLED_BACK, Event.DEPLOY_FAILED)
    listen(Event.DEPLOY_FAILED)
    listen(Event.DEPLOYED)
    before = goes(_S.ROLLING_OUT, _S.LIVE).release
    bad = goes(_S.ROLLING_OUT, _S.VERIFYING, _S.ROLLING_BACK, _S.ROLLED_BACK, reason="https://x answered 500")
    Deployment.objects.filter(pk=bad.pk).update(previous=before)
    Message.objects.exclude(event="deployed").delete()
    tell_of_deployment(bad.pk, _S.ROLLED_BACK)
    told = Message.objects.filter(about=bad.uuid).order_by("id")
    assert [message.event for message in told] == ["rolled_back", "deploy_failed"]
    sentence = "Release 2 was taken back from production and release 1 is live again — https://x answered 500"
    assert {message.sentence for message in told} == {sentence}


def test_a_rollback_by_hand_is_one_piece_of_news(listen, goes, django_capture_on_commit_callbacks):
    listen(Event.ROLLED_BACK)
    listen(Event.DEPLOYED)
    bad = goes(_S.ROLLING_OUT, _S.LIVE)
    with django_capture_on_commit_callbacks(execute=True):
        move(bad.pk, _S.ROLLED_BACK, who="ada@example.com", reason="release 2 took its place")
    goes(_S.ROLLING_OUT, _S.LIVE, is_rollback=True, automatic=False)
    told = list(Message.objects.order_by("id").values_list("event", "sentence"))
    assert told[0][0] == "deployed"
    back = "Rolled back: release 2 is live in production"
    assert told[1:] == [("rolled_back", back), ("deployed", back)]


def test_a_rollback_that_fails_is_told_after_the_failure_before_it(listen, goes):
    listen(Event.DEPLOY_FAILED)
    goes(_S.ROLLING_OUT, _S.UNKNOWN, _S.ROLLING_BACK, _S.FAILED, reason="ssh exited 255")
    assert subjects() == [
        "shop/api production: Nobody knows whether release 1 reached production — please look and say so",
        "shop/api production: production needs you: release 1 is bad, and taking it back failed — ssh exited 255",
    ]


def test_nobody_knows_whether_it_was_taken_back(listen, goes):
    listen(Event.DEPLOY_FAILED)
    goes(_S.ROLLING_OUT, _S.ROLLING_BACK, _S.UNKNOWN)
    assert "whether release 1 was taken back from production" in subjects()[0]


def test_the_step_that_broke_is_shown_of_whichever_job(listen, goes, project, make_build):
    listen(Event.DEPLOY_FAILED)
    its = goes(_S.ROLLING_OUT, _S.VERIFYING)
    check = Job.objects.create(build=its.release.build, organization=project.organization, name="check", spec={})
    Stage.objects.create(deployment=its, number=1, release=its.release, check_job=check)
    values = {"job": check, "attempt": 1, "position": 0, "status": Status.FAILED}
    Step.objects.create(path="0", name="smoke", exit_code=7, **values)
    move(its.pk, _S.FAILED, who="verification", reason="The checks failed")
    tell_of_deployment(its.pk, _S.FAILED)
    assert subjects() == ["shop/api production: Release 1 did not reach production — smoke exited 7"]


@pytest.mark.parametrize(
    ("came_from", "who", "rejected", "hears"),
    [
        (_S.WAITING, "approvals", False, True),  # nobody approved it in time
        (_S.WAITING, "ann@example.com", True, True),
        (_S.REQUESTED, "queue", False, True),  # what was verified is not so any more
        (_S.WAITING, "ann@example.com", False, False),  # whoever stops it knows
        (_S.ROLLING_OUT, "runner-1", False, False),
    ],
)
def test_what_is_given_up_is_told_and_what_a_person_stops_is_not(listen, goes, owner, came_from, who, rejected, hears):
    listen(Event.DEPLOY_FAILED)
    its = goes(*([came_from] if came_from != _S.REQUESTED else []))
    if rejected:
        ApprovalDecision.objects.create(deployment=its, user=owner, who=owner.email, approved=False)
    move(its.pk, _S.CANCELLED, who=who, reason="Why it was")
    tell_of_deployment(its.pk, _S.CANCELLED)
    assert subjects() == (["shop/api production: Release 1 did not reach production — Why it was"] if hears else [])


@pytest.fixture
def turns(place, django_capture_on_commit_callbacks):
    """The environment becomes good or bad."""

    def turns(to, *, reason="", release=None) -> HealthMove:
        with django_capture_on_commit_callbacks(execute=True):
            moved = HealthMove.objects.create(environment=place, went_to=to, reason=reason, release=release)
            health_moved.send(HealthMove, move_id=moved.pk)
        return moved

    return turns


def test_what_is_live_goes_bad_and_good_again_and_bad(listen, goes, turns):
    listen(Event.UNHEALTHY, Event.HEALTHY)
    release = goes(_S.ROLLING_OUT, _S.LIVE).release
    turns("good")
    turns("bad", reason="https://shop.example.com/ answered 503", release=release)
    turns("good", release=release)
    turns("bad", reason="again")
    told = [subject.partition(": ")[2] for subject in subjects()]
    bad = "production is unhealthy with release 1 — https://shop.example.com/ answered 503"
    assert (told[0], told[2]) == (bad, "production is unhealthy — again")
    assert told[1].startswith("production is healthy again after ")
    send_all()
    assert len(mail.outbox) == 2, "the third has no release, and so no committer"
    assert "/environments/" in mail.outbox[0].body


def test_the_clock_tells_of_health_too(listen, place):
    rule = listen(Event.UNHEALTHY)
    Rule.objects.filter(pk=rule.pk).update(changed_at=timezone.now() - timedelta(hours=1))
    HealthMove.objects.create(environment=place, went_to="bad", reason="it is down")
    sweep = Sweep()
    assert (sweep(), sweep()) == (1, 0)


def test_doubled_news_is_told_once(listen, turns, goes):
    listen(Event.UNHEALTHY)
    moved = turns("bad")
    for _ in range(3):
        health_moved.send(HealthMove, move_id=moved.pk)
    health_moved.send(HealthMove, move_id=999_999_999)
    assert Message.objects.count() == 1


HOSTILE = "x\r\nBcc: victim@example.com <script>\u202e\x1b[31m"


def test_strangers_reasons_stay_in_their_line(listen, goes, turns, place):
    place.name = HOSTILE
    place.save()
    listen(Event.APPROVAL, Event.UNHEALTHY, Event.ROLLED_BACK, Event.HELD)
    goes(_S.WAITING, reason=HOSTILE)
    release = goes(_S.ROLLING_OUT, _S.ROLLING_BACK, _S.ROLLED_BACK, reason=HOSTILE * 100).release
    turns("bad", reason=HOSTILE, release=release)
    send_all()
    assert len(mail.outbox) == 3
    for sent in mail.outbox:
        assert sent.recipients() == ["ada@example.com"]
        assert sent.subject.isprintable()
        assert len(sent.subject) <= 200
        assert not any(letter in sent.body for letter in "\r\x1b\u202e")
        assert "<script>" not in sent.alternatives[0][0]


def test_every_event_can_be_chosen_and_has_its_words(listen):
    rule = listen(*RULE_EVENTS)
    assert len(rule.when.split(", ")) == len(RULE_EVENTS) == 13
    assert len({colour_of(Message(event=event)) for event in RULE_EVENTS}) == 3
