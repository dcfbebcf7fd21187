"""The page of rules: who may see and change what, and what it never shows."""

import pytest
from django.urls import reverse

from accounts.models import AuditEntry, Role
from notifications.models import Channel, Event, Message, MessageState, Rule
from notifications.services.rules import MOST_RULES

pytestmark = pytest.mark.django_db
HOOK = "https://hooks.example.com/services/T0/B0/sesame"


@pytest.fixture
def rule(project):
    return Rule.objects.create(project=project, events=["failed"], channel=Channel.SLACK, target=HOOK)


@pytest.fixture
def page(project):
    return reverse("notifications", args=[project.uuid])


def verbs(rule):
    arguments = [rule.project.uuid, rule.uuid]
    return {name: reverse(name, args=arguments) for name in ("rule_toggle", "rule_remove", "rule_test", "rule_edit")}


VALUES = {"events": ["failed", "deployed"], "branch": "release/*", "channel": "email", "target": "team@example.com"}


def test_a_rule_is_added(client, owner, project, page):
    client.force_login(owner)
    assert client.post(page, VALUES).status_code == 302
    rule = project.notification_rules.get()
    assert (rule.events, rule.branch, rule.target) == (["failed", "deployed"], "release/*", "team@example.com")
    assert AuditEntry.objects.get(action="rule.added").user == owner
    assert "team@example.com" in client.get(page).content.decode()


@pytest.mark.parametrize(
    "wrong",
    [
        {"events": []},
        {"events": ["test"]},
        {"events": ["no such"]},
        {"branch": "^("},
        {"branch": "x" * 300},
        {"branch": "a\x1bb"},
        {"channel": "pigeon"},
        {"target": ""},
        {"target": "a@b, c@d"},
        {"target": "x@example.com\nBcc: y@example.com"},
        {"channel": "slack", "target": "committer"},
        {"target": "approvers"},
        {"channel": "slack", "target": "approvers", "events": ["approval"]},
        {"channel": "slack", "target": "file:///etc/passwd"},
        {"channel": "slack", "target": "https://"},
        {"channel": "slack", "target": "https://[::1"},
        {"channel": "slack", "target": "https://a b.example.com/"},
    ],
)
def test_what_cannot_be_is_said_at_the_form(client, owner, project, page, wrong):
    client.force_login(owner)
    assert client.post(page, {**VALUES, **wrong}).status_code == 400
    assert not project.notification_rules.exists()


def test_a_rule_for_approvers(client, owner, project, page):
    client.force_login(owner)
    assert client.post(page, {"events": ["approval"], "channel": "email", "target": "approvers"}).status_code == 302
    assert project.notification_rules.get().target == "approvers"
    assert "the approvers" in client.get(page).content.decode()


def test_a_hooks_address_is_never_shown(client, owner, rule, page):
    client.force_login(owner)
    for address in (page, verbs(rule)["rule_edit"]):
        shown = client.get(address).content.decode()
        assert "sesame" not in shown
    assert "hooks.example.com" in client.get(page).content.decode()
    assert "sesame" not in str(list(AuditEntry.objects.values()))


def test_a_hooks_address_stays_where_the_field_is_left_empty(client, owner, rule):
    client.force_login(owner)
    values = {"events": ["passed"], "branch": "", "channel": "slack", "target": ""}
    assert client.post(verbs(rule)["rule_edit"], values).status_code == 302
    rule.refresh_from_db()
    assert (rule.events, rule.target) == (["passed"], HOOK)
    assert client.post(verbs(rule)["rule_edit"], {**values, "channel": "email"}).status_code == 400


def test_toggle_and_remove(client, owner, rule):
    client.force_login(owner)
    client.post(verbs(rule)["rule_toggle"], {"enabled": "0"})
    before = rule.changed_at
    rule.refresh_from_db()
    assert not rule.enabled
    client.post(verbs(rule)["rule_toggle"], {"enabled": "1"})
    rule.refresh_from_db()
    assert rule.enabled
    assert rule.changed_at > before, "it tells nothing of what happened while it was off"
    client.post(verbs(rule)["rule_remove"])
    assert not Rule.objects.exists()


def test_a_test_message_is_queued(client, owner, rule, page):
    client.force_login(owner)
    client.post(verbs(rule)["rule_test"])
    assert Message.objects.get().event == Event.TEST
    assert "on its way" in client.get(page).content.decode()


def test_what_was_given_up_is_shown_with_its_reason(client, owner, rule, page):
    Message.objects.create(
        rule=rule,
        event="failed",
        about=rule.uuid,
        subject="<b>shop</b>",
        link="https://ci.example.com/",
        state=MessageState.DEAD,
        error="The hook answered with 404",
    )
    client.force_login(owner)
    shown = client.get(page).content.decode()
    assert "given up" in shown
    assert "The hook answered with 404" in shown
    assert "<b>shop</b>" not in shown


def test_rights(client, rule, page, member, stranger, make_user, organization):
    client.force_login(member)
    assert client.get(page).status_code == 200
    assert client.post(page, VALUES).status_code == 403
    for address in verbs(rule).values():
        assert client.post(address).status_code == 403
    client.force_login(stranger)
    assert client.get(page).status_code == client.post(page, VALUES).status_code == 404
    for address in verbs(rule).values():
        assert client.post(address).status_code == 404
    client.force_login(make_user("pm@example.com", organization, Role.PROJECT_MANAGER))
    assert client.post(page, VALUES).status_code == 302
    client.logout()
    assert client.get(page).status_code == 302
    rule.refresh_from_db()
    assert rule.enabled


def test_a_rule_of_another_project_is_not_found_through_ones_own(client, stranger, rule):
    own = stranger.organizations.get().projects.create(name="own", repository_url="https://git.example.com/own.git")
    client.force_login(stranger)
    assert client.post(reverse("rule_remove", args=[own.uuid, rule.uuid])).status_code == 404
    assert Rule.objects.exists()


def test_verbs_are_posted(client, owner, rule):
    client.force_login(owner)
    for name, address in verbs(rule).items():
        assert client.get(address).status_code == (200 if name == "rule_edit" else 405)
    rule.refresh_from_db()
    assert rule.enabled


def test_there_is_an_end_to_rules(client, owner, project, page):
    Rule.objects.bulk_create(
        Rule(project=project, events=[], channel="email", target="committer") for _ in range(MOST_RULES)
    )
    client.force_login(owner)
    assert client.post(page, VALUES).status_code == 400
    assert project.notification_rules.count() == MOST_RULES
