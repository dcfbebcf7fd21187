"""People say what they hear, and win over every rule; who does not see a project hears nothing of it."""

import email
import email.policy
import json
import re
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from allauth.socialaccount.models import SocialAccount
from django.core import mail
from django.test import Client
from django.utils import timezone

from accounts.models import Membership, Role, Team
from builds.models import BuildMove, OutboxEntry
from builds.outbound.outbox import deliver_lane
from builds.services.move import move_build
from builds.states import Status
from deployments.models import Deployment, DeploymentMove, Environment, Release
from notifications.addresses import unsubscribe_url
from notifications.models import Browser, Channel, Event, Message, MessageState, ProjectWish, Refusal, Rule, Wish
from notifications.services import caught, digest
from notifications.services.again import send_again
from notifications.services.prune import prune_messages
from notifications.services.sweep import Sweep
from tests.builds.outbound.servers import OK, answering, serving

pytestmark = [pytest.mark.django_db]


@pytest.fixture
def rule(project):
    def rule(*events, channel=Channel.EMAIL, target="committer", **fields) -> Rule:
        return Rule.objects.create(
            project=project, events=[str(e) for e in events], channel=channel, target=target, **fields
        )

    return rule


@pytest.fixture
def fails(make_build, django_capture_on_commit_callbacks):
    """A build runs and fails; what follows from it is done."""

    def fails(to=Status.FAILED, **fields):
        build = make_build(**fields)
        with django_capture_on_commit_callbacks(execute=True):
            move_build(build.pk, Status.RUNNING)
            move_build(build.pk, to)
        return build

    return fails


def send_all():
    for lane in OutboxEntry.objects.filter(state="pending").values_list("lane", flat=True).distinct():
        deliver_lane(lane)


def written_to():
    return sorted(Message.objects.filter(state="pending").values_list("recipient", flat=True))


def test_a_committer_is_known_by_the_name_at_the_git_host(rule, fails, ada, project):
    project.provider = "github"
    project.save()
    SocialAccount.objects.create(user=ada, provider="github", uid="7", extra_data={"login": "Ada-L"})
    rule(Event.FAILED)
    fails(author_email="", author_username="ada-l")
    assert written_to() == [ada.email]


def test_members_and_teams(rule, fails, make_user, organization, project, ada, owner):
    team = Team.objects.create(organization=organization, name="Backend")
    team.members.add(ada)
    rule(Event.FAILED, target="members")
    other = rule(Event.FAILED, target=f"team:{team.uuid}")
    fails()
    assert written_to() == [ada.email, owner.email]
    assert "does not look after" in Message.objects.get(rule=other).error
    Message.objects.all().delete()
    project.teams.add(team)
    make_user("outsider@example.com", organization)
    fails()
    assert written_to() == [ada.email, owner.email], "the outsider does not see it; two rules write to ada once"


def test_who_left_hears_nothing_not_even_of_what_was_on_its_way(rule, fails, ada, organization):
    rule(Event.FAILED)
    rule(Event.FAILED, target=ada.email)
    fails()
    Membership.objects.filter(user=ada).delete()
    fails()
    send_all()
    assert mail.outbox == []
    assert set(Message.objects.values_list("state", flat=True)) == {MessageState.DROPPED}


@pytest.mark.parametrize(
    ("level", "by", "hears"),
    [
        ("rules", "ada@example.com", True),
        ("own", "ada@example.com", True),
        ("own", "owner@example.com", False),
        ("all", "owner@example.com", True),
        ("nothing", "ada@example.com", False),
    ],
)
def test_what_a_person_wishes_wins_over_the_rules(rule, fails, ada, owner, level, by, hears):
    rule(Event.FAILED, target="members")
    Wish.objects.create(user=ada, level=level)
    fails(author_email=by)
    assert (ada.email in written_to()) == hears


def test_a_projects_own_wish_wins_and_needs_no_rule(fails, ada, owner, project):
    Wish.objects.create(user=ada, level="nothing")
    ProjectWish.objects.create(user=ada, project=project, level="all")
    Wish.objects.create(user=owner, level="own")
    fails(author_email="bob@example.com")
    assert written_to() == [ada.email]
    fails(author_email=owner.email)
    assert written_to() == [ada.email, ada.email, owner.email]
    Message.objects.all().delete()
    Wish.objects.filter(user=ada).update(events=["started"])
    fails(Status.PASSED)
    assert list(Message.objects.values_list("event", flat=True)) == ["started"]


def test_who_wants_no_mail_gets_none_but_pushes(rule, fails, ada):
    rule(Event.FAILED)
    ada.gets_mail = False
    ada.save()
    browser = Browser.objects.create(
        user=ada, name="x", endpoint="https://p.example.com/", digest="d", key="k", auth="a"
    )
    fails()
    by_channel = {message.channel: message for message in Message.objects.all()}
    assert by_channel["email"].state == MessageState.DROPPED
    assert (by_channel["push"].state, by_channel["push"].recipient) == ("pending", str(browser.uuid))
    Message.objects.all().delete()
    Wish.objects.create(user=ada, by_push=False)
    fails()
    assert written_to() == []


def test_doubled_news_reaches_people_once(fails, ada, owner):
    Wish.objects.create(user=ada, level="all")
    fails()
    hour = timezone.now() - timedelta(hours=1)
    assert Sweep().since(hour) == 0
    assert Message.objects.count() == OutboxEntry.objects.count() == 1


def test_a_build_over_its_budget_is_told(rule, fails, ada, make_build):
    rule(Event.BUDGET)
    now = timezone.now()
    for minutes in (2, 4):
        build = make_build(status=Status.PASSED, plan={"budget_seconds": 180})
        build.started_at, build.finished_at = now - timedelta(minutes=minutes), now
        build.save()
        BuildMove.objects.create(build=build, came_from="running", went_to="passed")
    assert Sweep().since(now - timedelta(minutes=1)) == 1
    message = Message.objects.get()
    assert message.sentence == f"Build {build.number} took 4m 00s: its budget is 3m 00s"


def test_trouble_with_the_git_host_is_told_once_a_week(rule, project, owner):
    rule(Event.HOSTING, target="members", changed_at=timezone.now() - timedelta(hours=1))
    project.hosting_problem = "The token\r\nhas expired"
    project.save()
    assert [Sweep()(), Sweep()()] == [1, 0]
    assert "The token has expired" in Message.objects.get().sentence


# --- Unsubscribing ---------------------------------------------------------------------------------------------


def link_of(sent) -> str:
    raw = email.message_from_bytes(sent.message().as_bytes(), policy=email.policy.default)
    assert raw["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    return re.fullmatch(r"<http://testserver(/unsubscribe/\S+)>", raw["List-Unsubscribe"].strip())[1]


def test_one_click_takes_a_person_off_one_project_without_a_log_in(rule, fails, ada):
    rule(Event.FAILED)
    fails()
    send_all()
    link, browser = link_of(mail.outbox[0]), Client(enforce_csrf_checks=True)
    assert b"Send ada@example.com no mail" in browser.get(link).content
    assert not ProjectWish.objects.exists(), "looking changes nothing: mail scanners look"
    for _ in range(2):
        assert browser.post(link, "List-Unsubscribe=One-Click", "application/x-www-form-urlencoded").status_code == 200
    assert ProjectWish.objects.get().level == "nothing"
    fails()
    assert written_to() == []


def test_an_address_of_nobody_here_can_leave_too(rule, fails):
    rule(Event.FAILED, target="Press@Example.org")
    fails()
    send_all()
    Client().post(link_of(mail.outbox[0]))
    fails()
    assert Refusal.objects.get().address == "press@example.org"
    assert "unsubscribed" in Message.objects.last().error


@pytest.mark.parametrize("token", ["x", "a:b", "a:b:c", "%20"])
def test_a_link_that_is_not_ours_leads_nowhere(token):
    assert Client().post(f"/unsubscribe/{token}").status_code == 404


# --- Digest ----------------------------------------------------------------------------------------------------


@pytest.fixture
def day(make_build, project):
    """What happened on a Monday."""
    at = datetime(2026, 11, 23, 12, tzinfo=UTC)
    for status, branch in (("passed", "main"), ("failed", "main"), ("failed", "b<r"), ("passed", "topic")):
        build = make_build(status=status, branch=branch)
        build.finished_at = at
        build.save()
    environment = Environment.objects.create(project=project, name="production")
    release = Release.objects.create(project=project, build=build, number=7, commit="a" * 40)
    deployment = Deployment.objects.create(environment=environment, release=release, status="live", live_at=at)
    move = DeploymentMove.objects.create(deployment=deployment, came_from="rolling_out", went_to="live")
    DeploymentMove.objects.filter(pk=move.pk).update(at=at)


def test_the_digest_comes_once_a_day_at_an_hour_of_the_persons(day, ada, owner):
    Wish.objects.create(user=ada, digest=True, digest_hour=8, zone="Europe/Vienna")
    Wish.objects.create(user=owner)
    early, due = datetime(2026, 11, 24, 6, 59, tzinfo=UTC), datetime(2026, 11, 24, 7, 1, tzinfo=UTC)
    assert [digest.queue_due(early), digest.queue_due(due), digest.queue_due(due)] == [0, 1, 0]
    assert digest.queue_due(due + timedelta(days=1)) == 1
    send_all()
    (sent,) = mail.outbox  # on the second day nothing happened
    assert sent.subject == "Tuesday: 2 passed, 2 failed; 2 branches are broken"
    assert "shop/api: 2 passed, 2 failed" in sent.body
    assert "Release 7 live in production" in sent.body or "release 7 live in production" in sent.body
    assert "b&lt;r is broken" in sent.alternatives[0][0]
    Client().post(link_of(sent))
    assert not Wish.objects.get(user=ada).digest


def test_the_digest_tells_nothing_of_what_one_does_not_see(day, stranger):
    Wish.objects.create(user=stranger, digest=True, digest_hour=0)
    digest.queue_due(datetime(2026, 11, 24, 7, tzinfo=UTC))
    send_all()
    assert mail.outbox == []


# --- Pages -----------------------------------------------------------------------------------------------------


@pytest.fixture
def page(owner):
    client = Client()
    client.force_login(owner)
    return client


def test_a_person_chooses_on_their_page(page, owner, project):
    assert b"What you hear" in page.get("/account/notifications").content
    values = {
        "level": "own",
        "events": ["failed"],
        "by_mail": "on",
        "digest": "on",
        "digest_hour": 7,
        "zone": "Asia/Tokyo",
    }
    assert page.post("/account/notifications", {**values, f"project-{project.uuid}": "all"}).status_code == 302
    wish = Wish.objects.get(user=owner)
    assert (wish.level, wish.digest, wish.digest_hour, wish.zone, wish.by_push) == ("own", True, 7, "Asia/Tokyo", False)
    owner.refresh_from_db()
    assert not owner.gets_mail
    assert ProjectWish.objects.get().level == "all"
    wrong = page.post("/account/notifications", {**values, "zone": "Mars/Base"})
    assert wrong.status_code == 400
    assert b"Mars/Base" in wrong.content


def test_a_browser_is_added_once_and_only_as_one(page, owner):
    point, auth = "B" * 87, "A" * 22
    good = {"endpoint": "https://push.example.com/abc", "key": point, "auth": auth, "name": "Firefox\non Linux"}
    for _ in range(2):
        assert page.post("/account/browsers", good).status_code == 201
    assert Browser.objects.get().name == "Firefox on Linux"
    for change in ({"endpoint": "http://push.example.com/"}, {"endpoint": "https://a b/"}, {"key": "x"}, {"auth": "ü"}):
        assert page.post("/account/browsers", {**good, **change}).status_code == 400
    assert len(page.post("/account/browsers/key").json()["key"]) == 87
    page.post(f"/account/browsers/{Browser.objects.get().uuid}/remove")
    assert not Browser.objects.exists()
    assert b"showNotification" in page.get("/push-worker.js").content


def test_a_webhooks_secret_is_shown_once_and_a_delivery_is_sent_again(page, project, fails, settings):
    requests = []
    with serving(answering(OK, requests)) as server:
        settings.OUTBOUND_ALLOWED_HOSTS = [f"127.0.0.1:{server.port}"]
        values = {"events": ["failed"], "channel": "webhook", "target": f"http://127.0.0.1:{server.port}/hook"}
        shown = page.post(f"/projects/{project.uuid}/notifications/", values)
        rule = Rule.objects.get()
        assert rule.secret.encode() in shown.content
        assert rule.secret.encode() not in page.get(f"/projects/{project.uuid}/notifications/").content
        renewed = page.post(f"/projects/{project.uuid}/notifications/{rule.uuid}/secret")
        assert rule.secret.encode() not in renewed.content
        fails()
        send_all()
        message = Message.objects.get()
        assert (message.answered, message.state) == (200, "sent")
        assert b"200, " in page.get(f"/projects/{project.uuid}/notifications/").content
        page.post(f"/projects/{project.uuid}/notifications/messages/{message.uuid}/again")
        send_all()
    deliveries = {re.search(rb"X-Ciservice-Delivery: (\S+)", request)[1] for request in requests}
    assert len(requests) == 2
    assert deliveries == {str(message.uuid).encode()}


def test_what_did_not_arrive_is_sent_again_or_let_be(page, rule, fails, organization, make_user):
    rule(Event.FAILED, channel=Channel.SLACK, target="http://127.0.0.1:9/x")
    for _ in range(2):
        fails()
    send_all()
    address = f"/organizations/{organization.uuid}/messages"
    shown = page.get(address).content
    assert shown.count(b"not on the public internet") == 2
    first, second = Message.objects.order_by("pk")
    page.post(f"{address}/again", {"message": [str(first.uuid), "nonsense"]})
    assert Message.objects.get(pk=first.pk).state == MessageState.PENDING
    assert not send_again(first), "it is on its way"
    page.post(f"{address}/drop")
    assert Message.objects.get(pk=second.pk).state == MessageState.DROPPED
    contributor = Client()
    contributor.force_login(make_user("c@example.com", organization, Role.CONTRIBUTOR))
    assert contributor.post(f"{address}/drop").status_code == 403


def test_the_catcher_keeps_the_last_of_what_comes(page, owner, settings, tmp_path):
    settings.DATA_DIR = tmp_path
    path = caught.catcher_url().removeprefix("http://testserver")
    for number in range(caught.KEPT + 5):
        assert Client().post(path, json.dumps({"n": number, "x": "<script>"}), "application/json").status_code == 200
    assert Client().post("/catch/other", "{}", "application/json").status_code == 404
    assert page.get("/sent").status_code == 403, "for administrators of the instance"
    owner.is_superuser = True
    owner.save()
    shown = page.get("/sent").content.decode()
    assert "&lt;script&gt;" in shown
    assert shown.count("<details") >= caught.KEPT
    settings.MODE = "production"
    assert Client().post(path, "{}", "application/json").status_code == 404


def test_old_messages_are_forgotten(rule):
    listening = rule(Event.FAILED)
    for days, state in ((31, "sent"), (31, "dead"), (91, "dead"), (1, "sent")):
        message = Message.objects.create(rule=listening, event="failed", about=uuid.uuid4(), state=state, subject=state)
        Message.objects.filter(pk=message.pk).update(created_at=timezone.now() - timedelta(days=days))
    assert prune_messages() == 2
    assert sorted(Message.objects.values_list("state", flat=True)) == ["dead", "sent"]


def test_an_unsubscribe_link_says_nothing_but_its_address():
    assert unsubscribe_url("A@b.org", None).startswith("http://testserver/unsubscribe/")
