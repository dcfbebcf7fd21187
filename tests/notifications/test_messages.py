"""Who is told what, once; and how it looks when it arrives."""

import email
import email.policy
import json
import uuid
from datetime import timedelta

import pytest
from aiosmtpd.controller import Controller
from django.core import mail
from django.utils import timezone

from builds.models import Job, OutboxEntry, Step
from builds.outbound.outbox import deliver_lane
from builds.services.move import move_build
from builds.signals import build_moved, project_created
from builds.states import Status
from deployments.models import Deployment, Environment, Release
from deployments.services.move import create, move
from deployments.states import DeploymentStatus
from notifications.models import Channel, Event, Message, MessageState, Rule
from notifications.services.addressees import MOST_AN_HOUR
from notifications.services.default_rules import make_default_rules, tell
from notifications.services.send_test import send_test
from notifications.services.sweep import Sweep
from tests.builds.outbound.servers import OK, answering, serving

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("ada")]


@pytest.fixture
def rule(project):
    def rule(*events, channel=Channel.EMAIL, target="committer", **fields) -> Rule:
        return Rule.objects.create(
            project=project, events=[str(e) for e in events], channel=channel, target=target, **fields
        )

    return rule


@pytest.fixture
def ends(make_build, django_capture_on_commit_callbacks):
    """A build runs and ends so; what follows from it is done."""

    def ends(to, *, who="runner", **fields):
        build = make_build(**fields)
        with django_capture_on_commit_callbacks(execute=True):
            move_build(build.pk, Status.RUNNING)
            move_build(build.pk, to, who=who, reason="Somebody stopped it." if to == Status.CANCELLED else "")
        return build

    return ends


def send_all():
    for lane in OutboxEntry.objects.filter(state="pending").values_list("lane", flat=True).distinct():
        deliver_lane(lane)


def told():
    return list(Message.objects.order_by("id").values_list("event", flat=True))


def test_a_project_begins_with_codeships_rules(project):
    for _ in range(2):
        project_created.send(type(project), project_id=project.pk)
    made, asks = project.notification_rules.all()
    assert (made.events[:2], made.channel, made.target) == (["failed", "recovered"], "email", "committer")
    assert set(made.events[2:]) == {"deploy_failed", "rolled_back", "unhealthy", "healthy"}
    assert (asks.events, asks.channel, asks.target) == (["approval"], "email", "approvers")
    make_default_rules(999_999_999)


def test_failed_then_recovered(rule, ends):
    rule(Event.FAILED, Event.RECOVERED)
    for state in (Status.PASSED, Status.FAILED, Status.ERRORED, Status.PASSED, Status.PASSED):
        ends(state)
    assert told() == ["failed", "failed", "recovered"]


def test_recovery_is_of_the_same_branch(rule, ends):
    rule(Event.RECOVERED)
    ends(Status.FAILED)
    ends(Status.PASSED, branch="topic", ref="refs/heads/topic")
    ends(Status.CANCELLED)
    assert told() == []
    ends(Status.PASSED)
    assert told() == ["recovered"]


def test_a_rule_for_both_tells_a_recovery_once(rule, ends):
    rule(Event.PASSED, Event.RECOVERED)
    ends(Status.FAILED)
    ends(Status.PASSED)
    ends(Status.PASSED)
    assert told() == ["recovered", "passed"]


def test_started_and_stopped(rule, ends):
    rule(Event.STARTED, Event.FAILED)
    ends(Status.CANCELLED, who="ada@example.com")
    ends(Status.CANCELLED, who="supersede")
    assert told() == ["started", "failed", "started"]


@pytest.mark.parametrize(
    ("pattern", "branch", "hears"),
    [
        ("", "main", True),
        ("main", "main", True),
        ("main", "main2", False),
        ("release/*", "release/1", True),
        ("release/*", "xrelease/1", False),
        ("*design*", "new-design-3", True),
        ("a.c", "abc", False),
        ("*" * 100 + "b", "a" * 250, False),
        ("(((", "(((", True),
        ("^broken(", "main", False),
    ],
)
def test_branches(rule, ends, pattern, branch, hears):
    rule(Event.FAILED, branch=pattern)
    ends(Status.FAILED, branch=branch, ref=f"refs/heads/{branch}")
    assert bool(told()) == hears


def test_a_rule_that_is_off_says_nothing(rule, ends):
    rule(Event.FAILED, enabled=False)
    ends(Status.FAILED)
    assert told() == []


def test_doubled_news_is_told_once(rule, ends, django_capture_on_commit_callbacks):
    rule(Event.FAILED)
    build = ends(Status.FAILED)
    with django_capture_on_commit_callbacks(execute=True):
        for _ in range(3):
            build_moved.send(type(build), move=build.moves.get(went_to="failed"))
    assert Message.objects.count() == OutboxEntry.objects.count() == 1
    send_all()
    send_all()
    assert len(mail.outbox) == 1


def test_the_clock_tells_what_a_lost_signal_left_untold_but_nothing_older_than_the_rule(rule, make_build):
    build = make_build()
    move_build(build.pk, Status.RUNNING)
    move_build(build.pk, Status.FAILED)  # nobody hears of it
    hour = timezone.now() - timedelta(hours=1)
    rule(Event.FAILED, changed_at=timezone.now() + timedelta(minutes=1))
    assert Sweep().since(hour) == 0
    rule(Event.FAILED, changed_at=hour)
    assert Sweep().since(hour) == 1
    assert Sweep().since(hour) == 0
    assert Sweep().since(timezone.now() + timedelta(seconds=1)) == 0


def test_the_clock_goes_through_no_move_twice(rule, make_build, django_assert_num_queries):
    rule(Event.FAILED)
    build = make_build()
    move_build(build.pk, Status.RUNNING)
    move_build(build.pk, Status.FAILED)
    sweep = Sweep()
    assert sweep() == 1
    with django_assert_num_queries(4):
        assert sweep() == 0


def test_the_mail(rule, make_build, django_capture_on_commit_callbacks, settings):
    settings.PUBLIC_URL = "https://ci.example.com"
    rule(Event.FAILED)
    build = make_build(message="Fix tax rounding\n\nlong story")
    job = Job.objects.create(build=build, organization=build.project.organization, name="test", spec={}, attempt=1)
    step = Step.objects.create(job=job, attempt=1, path="0", position=0, name="unit", status=Status.FAILED, exit_code=1)
    with django_capture_on_commit_callbacks(execute=True):
        move_build(build.pk, Status.RUNNING)
        move_build(build.pk, Status.FAILED)
    Message.objects.update(excerpt="FAILED <b>tests/test_tax.py</b>")
    send_all()
    (sent,) = mail.outbox
    link = f"https://ci.example.com/projects/{build.project.uuid}/builds/{build.number}/?step={step.uuid}"
    assert sent.to == ["ada@example.com"]
    assert sent.subject.startswith("shop/api main: Failed")
    assert sent.subject.endswith("— unit exited 1")
    assert "Fix tax rounding" in sent.body
    assert "long story" not in sent.body
    assert "FAILED <b>tests/test_tax.py</b>" in sent.body
    html, kind = sent.alternatives[0]
    assert kind == "text/html"
    assert "FAILED &lt;b&gt;tests/test_tax.py&lt;/b&gt;" in html
    assert sent.body.count(link) == html.count(f'href="{link}"') == 1
    raw = email.message_from_bytes(sent.message().as_bytes(), policy=email.policy.default)
    assert raw["List-Id"] == f"<{build.project.uuid}.ci.example.com>"
    assert raw["Message-ID"] == f"<{Message.objects.get().uuid}@ci.example.com>"
    assert raw["References"] == raw["In-Reply-To"]
    assert Message.objects.get().state == MessageState.SENT


def test_mails_of_one_branch_are_one_thread(rule, ends):
    rule(Event.FAILED)
    ends(Status.FAILED)
    ends(Status.FAILED)
    ends(Status.FAILED, branch="topic")
    send_all()
    threads = {}
    for sent in mail.outbox:
        threads.setdefault(sent.extra_headers["References"], []).append(sent.subject)
    assert sorted(len(subjects) for subjects in threads.values()) == [1, 2]


HOSTILE = "x\r\nBcc: victim@example.com\r\n\r\n<script>alert(1)</script>\u202e\x00\x1b[31m\u2028"


@pytest.mark.parametrize(
    "fields",
    [
        {"branch": HOSTILE[:255]},
        {"message": HOSTILE},
        {"author_name": f'"a\nb" <{HOSTILE}'[:200]},
        {"branch": "b" * 255, "message": "m" * 20_000, "author_name": "n" * 200},
    ],
    ids=["branch", "message", "author", "long"],
)
def test_strangers_get_nothing_into_a_header(rule, ends, fields):
    rule(Event.FAILED)
    ends(Status.FAILED, **{key: value.replace("\x00", "") for key, value in fields.items()})
    send_all()
    (sent,) = mail.outbox
    assert sent.recipients() == ["ada@example.com"]
    raw = email.message_from_bytes(sent.message().as_bytes(), policy=email.policy.default)
    assert raw["Bcc"] is None
    assert raw["To"] == "ada@example.com"
    assert len(sent.subject) <= 200
    assert sent.subject.isprintable()
    assert "<script>" not in sent.alternatives[0][0]
    assert not any(letter in sent.body for letter in "\r\x1b\u202e\u2028")


@pytest.mark.parametrize(
    "address",
    [
        "",
        "nobody",
        "a@b",
        "ada@example.com\r\nBcc: victim@example.com",
        "ada@example.com, victim@example.com",
        '"ada" <ada@example.com>',
        "ada@example.com\n",
        "ada@exämple.com",
        "12345+ada@users.noreply.github.com",
        "noreply@github.com",
        "a" * 250 + "@example.com",
    ],
)
def test_what_is_no_address_gets_no_mail(rule, ends, address):
    rule(Event.FAILED)
    ends(Status.FAILED, author_email=address[:254])
    send_all()
    stripped = address.strip() == "ada@example.com"
    assert len(mail.outbox) == stripped
    message = Message.objects.get()
    assert (message.state == MessageState.SENT) == stripped
    assert bool(message.error) != stripped


def test_who_is_not_known_here_is_told_nothing(rule, ends):
    rule(Event.FAILED)
    ends(Status.FAILED, author_email="bob@example.com")
    message = Message.objects.get()
    assert message.state == MessageState.DROPPED
    assert "bob@example.com" in message.error


def test_nobody_is_flooded(rule, ends):
    listening = rule(Event.FAILED)
    Message.objects.bulk_create(
        Message(rule=listening, event="failed", about=uuid.uuid4(), recipient="ada@example.com", subject="x")
        for _ in range(MOST_AN_HOUR)
    )
    ends(Status.FAILED)
    assert "within an hour" in Message.objects.last().error
    assert Message.objects.last().state == MessageState.DROPPED


def test_a_rule_switched_off_or_removed_meanwhile_sends_nothing(rule, ends):
    off, gone = rule(Event.FAILED), rule(Event.FAILED)
    ends(Status.FAILED)
    Rule.objects.filter(pk=off.pk).update(enabled=False)
    gone.delete()
    send_all()
    assert mail.outbox == []
    assert Message.objects.get().state == MessageState.DROPPED


def test_deployments_are_told(rule, make_build, project, owner, django_capture_on_commit_callbacks):
    rule(Event.DEPLOYED, Event.DEPLOY_FAILED)
    environment = Environment.objects.create(project=project, name="production")
    states = [
        [DeploymentStatus.LIVE],
        [DeploymentStatus.FAILED],
        [DeploymentStatus.UNKNOWN, DeploymentStatus.FAILED],
    ]
    for number, ending in enumerate(states, start=1):
        release = Release.objects.create(project=project, build=make_build(), number=number, commit="a" * 40)
        with django_capture_on_commit_callbacks(execute=True):
            deployment = create(Deployment(environment=environment, release=release), who="test")
            Deployment.objects.filter(pk=deployment.pk).update(status="rolling_out")
            for state in ending:
                move(deployment.pk, state, who="test", reason="deploy exited 1")
    assert told() == ["deployed", "deploy_failed", "deploy_failed"]
    send_all()
    assert [sent.subject for sent in mail.outbox] == [
        "shop/api production: Release 1 is live in production",
        "shop/api production: Release 2 did not reach production — deploy exited 1",
        "shop/api production: Nobody knows whether release 3 reached production — please look and say so",
    ]


def test_a_hook_is_told_and_nobody_is_called(rule, ends, settings):
    requests = []
    with serving(answering(OK, requests)) as server:
        settings.OUTBOUND_ALLOWED_HOSTS = [f"127.0.0.1:{server.port}"]
        rule(Event.FAILED, channel=Channel.SLACK, target=f"http://127.0.0.1:{server.port}/services/T/B/x")
        ends(Status.FAILED, branch="a`b<!channel>&@here", message="see <@U1> [x](http://evil.example) @channel")
        send_all()
    head, _, body = requests[0].partition(b"\r\n\r\n")
    assert b"Content-Type: application/json" in head
    sent = json.loads(body)
    said = sent["text"] + sent["attachments"][0]["text"] + sent["attachments"][0]["fallback"]
    assert sent["attachments"][0]["color"] == "#c0271f"
    for call in ("<!", "<@", "@here", "@channel", "](", "http://evil", "`"):
        assert call not in said
    assert "&lt;!channel&gt;&amp;" in said
    assert Message.objects.get().state == MessageState.SENT


@pytest.mark.parametrize(
    ("status", "permanent"),
    [(301, True), (400, True), (404, True), (410, True), (408, False), (429, False), (503, False)],
)
def test_what_a_hook_answers_decides_whether_it_is_tried_again(rule, ends, settings, status, permanent):
    answer = f"HTTP/1.1 {status} X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode()
    with serving(answering(answer, [])) as server:
        settings.OUTBOUND_ALLOWED_HOSTS = [f"127.0.0.1:{server.port}"]
        rule(Event.FAILED, channel=Channel.SLACK, target=f"http://127.0.0.1:{server.port}/")
        ends(Status.FAILED)
        send_all()
    message = Message.objects.get()
    assert message.state == (MessageState.DEAD if permanent else MessageState.PENDING)
    assert message.error


def test_a_hook_inside_the_house_is_given_up_visibly(rule, ends):
    rule(Event.FAILED, channel=Channel.SLACK, target="http://169.254.169.254/latest/meta-data/")
    ends(Status.FAILED)
    send_all()
    message = Message.objects.get()
    assert message.state == MessageState.DEAD
    assert "public internet" in message.error


def test_a_test_message_goes_to_who_asks(rule, owner):
    sent = send_test(rule(Event.FAILED), user=owner)
    assert sent.recipient == owner.email
    send_all()
    assert mail.outbox[0].subject == "shop/api: a test message"


class Catcher:
    """A mail server that keeps what it gets, and refuses some addresses."""

    def __init__(self):
        self.mails = []

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("gone"):
            return "550 no such user"
        if address.startswith("grey"):
            return "451 try later"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        self.mails.append(envelope)
        return "250 OK"


class AnyPort(Controller):
    """Listens on a port that the system chose."""

    def _trigger_server(self):
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


@pytest.fixture
def smtp(settings):
    catcher = Catcher()
    controller = AnyPort(catcher, hostname="127.0.0.1", port=0)
    controller.start()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", controller.port
    yield catcher
    controller.stop()


def test_a_real_mail_server_gets_it(rule, ends, smtp):
    tell(rule(Event.FAILED).project, channel="email", target="gone@example.com", events=("failed",))
    tell(Rule.objects.first().project, channel="email", target="grey@example.com", events=("failed",))
    ends(Status.FAILED, message="Grüße ✓")
    send_all()
    (envelope,) = smtp.mails
    assert envelope.rcpt_tos == ["ada@example.com"]
    raw = email.message_from_bytes(envelope.content, policy=email.policy.default)
    assert "Grüße ✓" in raw.get_body(("plain",)).get_content()
    assert "Grüße ✓" in raw.get_body(("html",)).get_content()
    states = dict(Message.objects.values_list("recipient", "state"))
    assert states == {"ada@example.com": "sent", "gone@example.com": "dead", "grey@example.com": "pending"}
