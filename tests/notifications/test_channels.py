"""What each channel is sent: nothing that strangers wrote can mean more than its text; and nothing goes inside."""

import base64
import hashlib
import hmac
import json
import uuid

import http_ece
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from py_vapid import Vapid02

from builds.outbound.errors import DeliveryError
from notifications.channels import apprise, discord, mattermost, push, slack, teams, webhook
from notifications.channels.apprise_services import SCHEMAS
from notifications.models import Browser, Channel, Event, InstanceKey, Message, Rule
from notifications.services.deliver import check
from notifications.services.vapid import public_key
from tests.builds.outbound.servers import OK, answering, dripping, refusing, serving, silent

pytestmark = pytest.mark.django_db

HOSTILE = "<!channel> <@U1> @everyone @here [x](http://evil.example) **bold** `code` ```fence <script>alert(1)</script>"


@pytest.fixture
def message(project, make_build):
    """A message of a failed build by a rule of any channel."""

    def make(channel, target, **fields):
        rule = Rule.objects.create(project=project, events=["failed"], channel=channel, target=target, secret="s3cret")
        build = make_build(status="failed", message="Fix <b>tax</b>", branch="x<y")
        values = {"subject": HOSTILE[:200], "details": HOSTILE, "excerpt": HOSTILE, "link": "http://testserver/b/1"}
        values |= {"event": Event.FAILED, "sentence": "It failed", "about": uuid.uuid4(), **fields}
        return Message.objects.create(rule=rule, project=project, build=build, channel=channel, **values)

    return make


def test_slack_mentions_and_links_nobody(message):
    said = slack.payload(message(Channel.SLACK, "http://x"))
    texts = said["text"] + json.dumps(said["attachments"])
    for call in ("<!", "<@", "@everyone", "@here", "<script"):
        assert call not in texts
    assert "http://evil" not in said["text"]


def test_discord_mentions_nobody_and_keeps_its_limits(message):
    said = discord.payload(message(Channel.DISCORD, "http://x", details=HOSTILE * 60, excerpt="x" * 9000))
    assert said["allowed_mentions"] == {"parse": []}
    (embed,) = said["embeds"]
    assert len(embed["title"]) <= 256
    assert len(embed["description"]) <= 4096
    for call in ("@everyone", "](http", "<@", "**bold"):
        assert call not in embed["title"] + embed["description"]


def test_mattermost_shows_markdown_as_text(message):
    (said,) = mattermost.payload(message(Channel.MATTERMOST, "http://x"))["attachments"]
    for call in ("@everyone", "@here", "](http", "<script", "**bold"):
        assert call not in said["title"] + said["text"].partition("```")[0]
    assert said["text"].count("```") == 2, "nothing gets out of the block"


def test_teams_is_sent_plain_runs_of_text(message):
    said = teams.payload(message(Channel.TEAMS, "http://x"))
    card = said["attachments"][0]["content"]
    assert {block["type"] for block in card["body"]} == {"RichTextBlock"}
    assert card["body"][1]["inlines"][0]["text"] == HOSTILE
    assert card["actions"][0]["url"] == "http://testserver/b/1"


def test_a_webhook_has_codeships_body_and_its_signature_is_right(message, settings):
    requests = []
    with serving(answering(OK, requests)) as server:
        settings.OUTBOUND_ALLOWED_HOSTS = [f"127.0.0.1:{server.port}"]
        sent = message(Channel.WEBHOOK, f"http://127.0.0.1:{server.port}/hook")
        assert webhook.send(sent).status == 200
    head, _, body = requests[0].partition(b"\r\n\r\n")
    headers = dict(line.split(": ", 1) for line in head.decode().splitlines()[1:])
    assert headers["X-Ciservice-Signature"] == "sha256=" + hmac.new(b"s3cret", body, hashlib.sha256).hexdigest()
    stamped = f"{headers['X-Ciservice-Timestamp']}.".encode() + body
    assert (
        headers["X-Ciservice-Signature-Timestamped"] == "sha256=" + hmac.new(b"s3cret", stamped, "sha256").hexdigest()
    )
    assert headers["X-Ciservice-Delivery"] == str(sent.uuid)
    assert headers["X-Ciservice-Event"] == "failed"
    build = json.loads(body)["build"]
    project = sent.project
    assert {key: build[key] for key in list(build)[:12]} == {
        "build_url": f"http://testserver/projects/{project.uuid}/builds/{sent.build.number}/",
        "commit_url": "",
        "project_id": project.pk,
        "build_id": sent.build.pk,
        "status": "error",
        "project_full_name": "shop/api",
        "project_name": "shop/api",
        "commit_id": "a" * 40,
        "short_commit_id": "aaaaa",
        "message": "Fix <b>tax</b>",
        "committer": "Ada",
        "branch": "x<y",
    }
    assert json.loads(body)["event"] == "failed"


# --- Apprise ---------------------------------------------------------------------------------------------------


def test_only_services_that_are_reached_by_http_are_known():
    for schema in ("file", "exec", "dbus", "syslog", "rsyslog", "mailto", "mailtos", "json", "xml", "form", "apprise"):
        assert schema not in SCHEMAS
    assert {"tgram", "ntfys", "matrixs", "gchat"} <= SCHEMAS


@pytest.mark.parametrize(
    "address", ["syslog://", "mailto://a:b@example.com", "json://127.0.0.1/", "dbus://", "nothing"]
)
def test_apprise_is_not_asked_for_other_services(message, address):
    with pytest.raises(DeliveryError, match="not an address of a service") as caught:
        apprise.send(message(Channel.APPRISE, address))
    assert caught.value.permanent


def test_apprise_sends_where_the_operator_allows_it(message, settings):
    requests = []
    with serving(answering(OK, requests)) as server:
        settings.OUTBOUND_ALLOWED_HOSTS = [f"127.0.0.1:{server.port}"]
        apprise.send(message(Channel.APPRISE, f"ntfy://127.0.0.1:{server.port}/topic", subject="It failed"))
    assert b"It failed" in requests[0]


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "127.1", "2130706433", "0x7f.1", "0177.0.0.1", "0.0.0.0", "[::1]", "[::ffff:127.0.0.1]"],
)
def test_apprise_reaches_nothing_inside(message, host):
    with serving(refusing) as canary, pytest.raises(DeliveryError) as caught:
        apprise.send(message(Channel.APPRISE, f"gotify://{host}:{canary.port}/Aabcdefghijklmn"))
    assert canary.seen == 0
    assert caught.value.permanent or "did not take" in str(caught.value)


def test_apprise_follows_no_redirect_inside(message, settings):
    with serving(refusing) as canary:
        location = f"HTTP/1.1 307 X\r\nLocation: http://127.0.0.1:{canary.port}/\r\nContent-Length: 0\r\n\r\n".encode()
        with serving(answering(location, [])) as server:
            settings.OUTBOUND_ALLOWED_HOSTS = [f"127.0.0.1:{server.port}"]
            with pytest.raises(DeliveryError, match="public internet"):
                apprise.send(message(Channel.APPRISE, f"ntfy://127.0.0.1:{server.port}/topic"))
        assert server.seen == 1
    assert canary.seen == 0


@pytest.mark.parametrize("behave", [silent, dripping])
def test_apprise_has_an_end(message, settings, monkeypatch, behave):
    monkeypatch.setattr(apprise, "SECONDS", 4)
    with serving(behave) as server:
        settings.OUTBOUND_ALLOWED_HOSTS = [f"127.0.0.1:{server.port}"]
        with pytest.raises(DeliveryError) as caught:
            apprise.send(message(Channel.APPRISE, f"ntfy://127.0.0.1:{server.port}/topic"))
    assert not caught.value.permanent


@pytest.mark.parametrize("channel", ["slack", "discord", "teams", "mattermost", "webhook"])
@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:{port}/", "http://2130706433:{port}/", "http://[::ffff:127.0.0.1]:{port}/"]
)
def test_no_hook_reaches_inside(message, channel, address):
    doors = {"slack": slack, "discord": discord, "teams": teams, "mattermost": mattermost, "webhook": webhook}
    with serving(refusing) as canary, pytest.raises(DeliveryError) as caught:
        doors[channel].send(message(channel, address.format(port=canary.port)))
    assert caught.value.permanent
    assert canary.seen == 0


# --- Web push --------------------------------------------------------------------------------------------------


class Chrome:
    """A browser: its keys, and what it makes of what arrives."""

    def __init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.auth = bytes(range(16))

    def row(self, user, endpoint):
        point = self.key.public_key().public_bytes(
            serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
        )
        return Browser.objects.create(
            user=user,
            name="Chrome",
            endpoint=endpoint,
            digest=uuid.uuid4().hex,
            key=coded(point),
            auth=coded(self.auth),
        )

    def read(self, body: bytes) -> dict:
        return json.loads(http_ece.decrypt(body, private_key=self.key, auth_secret=self.auth, version="aes128gcm"))


def coded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


@pytest.fixture
def pushed(project, owner):
    def pushed(browser):
        return Message.objects.create(
            project=project,
            person=owner,
            channel=Channel.PUSH,
            event=Event.FAILED,
            about=uuid.uuid4(),
            recipient=str(browser.uuid),
            subject="shop/api main: Failed",
            details="by Ada",
            link="http://testserver/b/1",
        )

    return pushed


CREATED = b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


def test_only_the_browser_can_read_what_is_pushed_and_the_service_knows_from_whom(pushed, owner, settings):
    requests, chrome = [], Chrome()
    with serving(answering(CREATED, requests)) as service:
        settings.OUTBOUND_ALLOWED_HOSTS = [f"127.0.0.1:{service.port}"]
        browser = chrome.row(owner, f"http://127.0.0.1:{service.port}/push/abc")
        check(push.send(pushed(browser)))
    head, _, body = requests[0].partition(b"\r\n\r\n")
    headers = dict(line.split(": ", 1) for line in head.decode().splitlines()[1:])
    assert b"Failed" not in body
    told = chrome.read(body)
    assert (told["title"], told["body"], told["link"]) == ("shop/api main: Failed", "by Ada", "http://testserver/b/1")
    assert headers["Content-Encoding"] == "aes128gcm"
    assert int(headers["TTL"]) > 0
    assert Vapid02.verify(headers["Authorization"])
    assert headers["Authorization"].endswith(f"k={public_key()}")


@pytest.mark.parametrize("status", [404, 410])
def test_a_subscription_that_is_gone_is_forgotten(pushed, owner, settings, status):
    answer = f"HTTP/1.1 {status} Gone\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode()
    with serving(answering(answer, [])) as service:
        settings.OUTBOUND_ALLOWED_HOSTS = [f"127.0.0.1:{service.port}"]
        message = pushed(Chrome().row(owner, f"http://127.0.0.1:{service.port}/"))
        with pytest.raises(DeliveryError, match="forgotten") as caught:
            push.send(message)
    assert caught.value.permanent
    assert not Browser.objects.exists()
    with pytest.raises(DeliveryError, match="not told any more"):
        push.send(message)


def test_push_reaches_nothing_inside(pushed, owner):
    with serving(refusing) as canary:
        message = pushed(Chrome().row(owner, f"https://127.0.0.1:{canary.port}/"))
        with pytest.raises(DeliveryError, match="public internet"):
            push.send(message)
    assert canary.seen == 0


def test_the_instances_keys_are_made_once_and_sealed():
    assert public_key() == public_key()
    assert InstanceKey.objects.count() == 1
    assert len(base64.urlsafe_b64decode(public_key() + "=")) == 65
