"""T48: every address, every method, everybody. Who may not is refused; a GET changes nothing; no form without its token."""

from __future__ import annotations

import json

import pytest
from django.apps import apps
from django.test import Client

from accounts.models import CacheEntry
from tests.security.routes import API, PAGES, Who, patterns

# Streams and their look-ups work in threads of their own, which see only what is committed.
pytestmark = pytest.mark.django_db(transaction=True)

METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
# What they leave behind is no world for the others.
LAST = [
    "",
    "rule_remove",
    "git_host_remove",
    "lift_freeze",
    "freeze_lift",
    "transfer_take",
    "transfer_decline",
    "invitation_withdraw",
    "member_remove",
    "team_delete",
    "organization_leave",
    "token_revoke",
    "session_end",
    "sessions_end",
    "connection_remove",
    "logout",
]
# Enough for every operation of the API: what a body lacks is said before whose the address is.
BODY = json.dumps(
    {
        "ref": "heads/main",
        "repository_url": "https://git.example.com/shop/new.git",
        "release": 1,
        "reason": "Broken",
        "value": "Kept",
        "branch": "main",
        "config": ["make deploy"],
        "match_mode": "exact",
        "outcome": "live",
        "ends_at": "2099-01-01T00:00:00Z",
    }
)
UNSAFE = ["POST", "PUT", "PATCH", "DELETE"]
MANAGES = {"manager", "outsider", "owner"}
MEMBERS = MANAGES | {"contributor"}


def expected(route, method, person):
    """The statuses that are right, or None where the person may: anything but a refusal or an error of ours."""
    who = route.may.get(method)
    if route.name in {"api-root", "api_no_such_route"}:
        return {404, 405}
    if who == Who.ANYBODY:
        # A hook without its signature, metrics behind a proxy, an API log-in without a password.
        return {"hook": {403}, "log_in": {401}}.get(route.name)
    if who == Who.ENTERING:
        return {302, 401, 404}
    if who is None:
        return {405, 404, 401, 403} | ({302} if person == "anonymous" and not route.is_api else set())
    if person == "anonymous":
        return {401} if route.is_api else {302}
    if who == Who.ABSENT:
        return {302, 404}  # or first: is it you?
    if who == Who.OWNER:
        return None if person == "owner" else {404}
    if who == Who.ADMIN:
        return None if person == "administrator" else {403}
    return of_member(route, who, person)


def of_member(route, who, person):
    """The same, for what members of the organisation may."""
    unseen = person in {"stranger", "administrator"} or (person == "outsider" and route.of_project)
    if unseen and who in {Who.MEMBER, Who.MANAGER, Who.APPROVER}:
        return {404}  # an outsider is in none of the project's teams
    if person == "outsider" and route.name.startswith("team") and who == Who.MANAGER:
        return {403}  # project managers change the teams that they are in
    if (who == Who.MANAGER and person not in MANAGES) or (who == Who.APPROVER and person != "owner"):
        return {403}
    return None


def is_right(response, right):
    if right is not None:
        return response.status_code in right
    is_sent_away = response.headers.get("Location", "").startswith("/login")
    return response.status_code < 500 and response.status_code not in {401, 403, 404, 405} and not is_sent_away


def ask(clients, route, method):
    client = clients[1] if route.is_api else clients[0]
    return client.generic(method, route.url, BODY, content_type="application/json")


def test_every_route_is_in_the_table():
    names = {pattern.name for _, pattern in patterns()}
    assert names == set(PAGES) | set(API)


@pytest.mark.parametrize(
    "person", ["anonymous", "stranger", "contributor", "manager", "outsider", "owner", "administrator"]
)
def test_who_may_not_is_refused(person, routes, people, browser):
    clients, wrong = browser(people[person]), []
    for route in sorted(routes, key=lambda route: LAST.index(route.name) if route.name in LAST else 0):
        for method in METHODS:
            response = ask(clients, route, method)
            right = expected(route, method, person)
            if not is_right(response, right) and route.name != "logout":
                wrong.append(f"{method} {route.url} ({route.name}): {response.status_code}, right: {right or 'let in'}")
    assert not wrong, "\n".join(wrong)


def test_who_is_not_logged_in_is_sent_to_the_log_in(routes):
    client = Client()
    for route in routes:
        if not route.is_api and route.may.get("GET") not in {None, Who.ANYBODY, Who.ENTERING}:
            response = client.get(route.url)
            assert response.headers.get("Location", "").startswith("/login?next="), route


def test_no_unsafe_request_of_a_browser_passes_without_its_token(routes, owner, browser):
    page, _ = browser(owner, check_csrf=True)
    before = everything()
    for route in routes:
        for method in UNSAFE:
            response = page.generic(method, route.url, b"{}", content_type="application/json")
            # The API knows no cookies; a hook wants its signature.
            allowed = {401, 403, 404, 405} if route.is_api else {403, 405}
            if route.name == "runner_join":  # a token in the body lets in, and there is none
                allowed = {400, 405}
            if route.name in {"unsubscribe", "catch"}:  # whoever holds their address may
                allowed = {200, 405}
            assert response.status_code in allowed, (method, route)
    assert difference(before, everything()) <= {"builds.WebhookDelivery", "notifications.Refusal"}


def test_a_get_changes_nothing(routes, owner, browser):
    clients = browser(owner)
    ask(clients, next(route for route in routes if route.name == "list_organizations"), "GET")
    before = everything()
    for route in routes:
        for method in ("GET", "HEAD", "OPTIONS"):
            ask(clients, route, method)
            assert not difference(before, everything()), (method, route)


def test_every_answer_carries_the_headers(routes, people, browser):
    for person in ("anonymous", "owner"):
        clients = browser(people[person])
        for route in routes:
            response = ask(clients, route, "GET")
            assert response.headers["X-Content-Type-Options"] == "nosniff", route
            assert "default-src 'none'" in response.headers["Content-Security-Policy"], route
            assert response.headers["X-Frame-Options"] == "DENY", route


@pytest.mark.parametrize(
    "path",
    [
        "//account",
        "/account;.js",
        "/account/.",
        "/./account",
        "/x/../account",
        "/%2e/account",
        "/account%2f",
        "/account%00",
        "/Account",
        "/static/../account",
        "/healthz/../account",
        "/login/../account",
        "/v2/../account",
        "/metrics/../account",
    ],
)
def test_no_way_of_writing_an_address_leads_around_the_log_in(path, world):
    response = Client().get(path)
    assert response.status_code in {301, 302, 400, 404}
    assert b"API tokens" not in response.content


def everything():
    """Every row of ours, as text; what somebody asks too often is counted whatever the method."""
    ours = [
        model
        for label in ("accounts", "builds", "deployments", "notifications")
        for model in apps.get_app_config(label).get_models()
        if model is not CacheEntry
    ]
    return {model._meta.label: sorted(map(str, model.objects.values())) for model in ours}


def difference(before, after):
    """The models whose rows differ."""
    return {label for label in before if before[label] != after[label]}
