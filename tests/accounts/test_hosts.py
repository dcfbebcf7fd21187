"""Logging in through git hosts, against a stand-in that checks what it is sent."""

from __future__ import annotations

import pytest
from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount, SocialToken
from django.test import Client

from accounts.models import AuditEntry, User
from accounts.services.identities import user_of_username, usernames_of
from tests.accounts.conftest import PASSWORD
from tests.accounts.oauth_host import CLIENT_ID, CLIENT_SECRET, OAuthHost, oauth_host, query

pytestmark = pytest.mark.django_db
DOORS = {"github": "/login/github", "gitlab": "/login/gitlab", "bitbucket_oauth2": "/login/bitbucket"}


@pytest.fixture
def host(settings):
    with oauth_host() as one:
        apps = [{"client_id": CLIENT_ID, "secret": CLIENT_SECRET}]
        settings.SOCIALACCOUNT_PROVIDERS = {name: {"APPS": apps, "URL": one.url} for name in DOORS}
        yield one
        assert one.problems == []


def is_ada(host: OAuthHost, email: str = "ada@example.com", *, confirmed: bool = True) -> None:
    """Has every host say that who comes is Ada, with this address."""
    host.answers = {
        "/api/v3/user": {"id": 7, "login": "ada", "name": "Ada", "email": email},
        "/api/v3/user/emails": [{"email": email, "primary": True, "verified": confirmed}],
        "/api/v4/user": {
            "id": 7,
            "username": "ada",
            "name": "Ada",
            "email": email,
            "confirmed_at": "2020-01-01T00:00:00Z" if confirmed else None,
        },
        "/2.0/user": {"account_id": "7:a", "username": "ada", "display_name": "Ada"},
        "/2.0/user/emails": {"values": [{"email": email, "is_primary": True, "is_confirmed": confirmed}]},
    }


def go(client: Client, host: OAuthHost, name: str = "github", **fields: str):
    """Out to the host, agree there, and back; the answer to the way back."""
    out = client.post(DOORS[name], fields)
    assert out.status_code == 302, out.content
    assert out.url.startswith(host.url)
    return client.get(f"{DOORS[name]}/back?{query(**host.agree(out.url))}")


def is_in(client: Client) -> bool:
    return client.get("/account").status_code == 200


@pytest.mark.parametrize("name", DOORS)
def test_an_address_that_the_host_confirmed_finds_the_account(client, host, make_user, letters, name):
    ada = make_user("ada@example.com")
    is_ada(host, "Ada@Example.com")
    assert go(client, host, name).url == "/"
    assert is_in(client)
    assert [letter.subject for letter in letters()] == ["An account was connected · ciservice"]
    assert AuditEntry.objects.filter(action="connection.added", user=ada).exists()
    assert list(usernames_of(ada).values()) == ["ada"]
    again = Client()
    go(again, host, name)
    assert is_in(again)
    assert (User.objects.count(), SocialAccount.objects.count()) == (1, 1)


@pytest.mark.parametrize("name", DOORS)
@pytest.mark.parametrize("sign_up", ["open", "invited"])
def test_an_address_that_nobody_confirmed_takes_over_no_account(client, host, make_user, settings, name, sign_up):
    settings.SIGN_UP = sign_up
    ada = make_user("ada@example.com")
    is_ada(host, confirmed=False)
    go(client, host, name)
    assert not is_in(client)
    assert not SocialAccount.objects.exists()
    ada.refresh_from_db()
    assert ada.check_password(PASSWORD)


@pytest.mark.parametrize("name", DOORS)
def test_who_is_new_signs_up_where_that_is_open(client, host, settings, name):
    settings.SIGN_UP = "open"
    is_ada(host)
    assert go(client, host, name, next="/account").url == "/account"
    ada = User.objects.get()
    assert (ada.email, ada.name, ada.has_usable_password()) == ("ada@example.com", "Ada", False)
    assert EmailAddress.objects.get(user=ada).verified


def test_who_is_new_confirms_an_address_that_the_host_did_not(client, host, settings, letters, link_in):
    settings.SIGN_UP = "open"
    is_ada(host, confirmed=False)
    assert go(client, host).url == "/confirm"
    assert not is_in(client)
    client.post(link_in(letters()[0]))
    assert is_in(client)


def test_a_host_that_tells_no_address_leads_to_a_question(client, host, settings, letters, link_in):
    settings.SIGN_UP = "open"
    is_ada(host)
    host.answers["/api/v4/user"].pop("email")
    assert go(client, host, "gitlab").url == "/sign-up/address"
    assert "GitLab told us no e-mail address" in client.get("/sign-up/address").content.decode()
    assert client.post("/sign-up/address", {"email": "ada@example.com"}).url == "/confirm"
    client.post(link_in(letters()[0]))
    assert is_in(client)


def test_where_sign_up_needs_an_invitation_strangers_stay_out(client, host):
    is_ada(host)
    assert "You need an invitation" in go(client, host).content.decode()
    assert not User.objects.exists()


def test_who_said_no_at_the_host_is_told_so(client, host):
    out = client.post("/login/github")
    state = host.agree(out.url)["state"]
    answer = client.get(f"/login/github/back?{query(error='access_denied', state=state)}", follow=True)
    assert "You did not go on" in answer.content.decode()
    assert not is_in(client)


@pytest.mark.parametrize("state", ["wrong", "", "of another browser"])
def test_a_state_that_is_not_this_browsers_leads_nowhere(client, host, make_user, state):
    make_user("ada@example.com")
    is_ada(host)
    out = client.post("/login/github")
    back = host.agree(out.url)
    if state == "of another browser":
        victim = Client()
        assert victim.get(f"/login/github/back?{query(**back)}").status_code == 401
        assert not is_in(victim)
        return
    assert client.get(f"/login/github/back?{query(code=back['code'], state=state)}").status_code == 401
    assert not is_in(client)
    assert len(host.codes) == 1, "the host was not asked"


@pytest.mark.parametrize(
    ("path", "status", "answer"),
    [
        ("/login/oauth/access_token", 500, None),
        ("/api/v3/user", 500, None),
        ("/api/v3/user/emails", 403, None),
        ("/api/v3/user", 302, None),
        ("/api/v3/user", 200, b"<html>"),
        ("/api/v3/user", 200, []),
        ("/api/v3/user", 200, {"login": "ada"}),
        ("/api/v3/user", 200, {"id": None}),
    ],
)
def test_a_host_that_answers_oddly_lets_nobody_in(client, host, make_user, path, status, answer):
    make_user("ada@example.com")
    is_ada(host)
    if status != 200:
        host.status[path] = status
    if answer is not None:
        host.answers[path] = answer
    response = go(client, host)
    assert response.status_code == 401
    assert "That did not work" in response.content.decode()
    assert not is_in(client)


def test_a_host_that_is_down_lets_nobody_in(client, host, settings, make_user):
    make_user("ada@example.com")
    out = client.post("/login/github")
    back = host.agree(out.url)
    settings.SOCIALACCOUNT_PROVIDERS["github"]["URL"] = "http://127.0.0.1:9"
    assert client.get(f"/login/github/back?{query(**back)}").status_code == 401
    assert not is_in(client)


def test_a_door_that_is_not_set_up_is_not_there(client, settings):
    settings.SOCIALACCOUNT_PROVIDERS = {}
    for path in DOORS.values():
        assert client.post(path).status_code == client.get(f"{path}/back").status_code == 404
    assert "GitHub" not in client.get("/login").content.decode()


def test_the_log_in_shows_the_doors_and_lets_its_forms_lead_there(client, host):
    answer = client.get("/login")
    assert "Log in with GitHub" in answer.content.decode()
    assert f"form-action 'self' {host.url} " in answer.headers["Content-Security-Policy"]


def test_a_get_asks_first(client, host):
    answer = client.get("/login/github")
    assert answer.status_code == 200
    assert "Go on" in answer.content.decode()


def test_the_way_back_is_our_public_address(client, host, settings):
    settings.PUBLIC_URL = "https://ci.example.com"
    out = client.post("/login/github", headers={"Host": "testserver"})
    assert host.agree(out.url)
    assert next(iter(host.codes.values()))["redirect_uri"] == "https://ci.example.com/login/github/back"


def test_next_leads_to_no_other_site(client, host, make_user):
    make_user("ada@example.com")
    is_ada(host)
    assert go(client, host, next="https://evil.example.com/").url == "/"


def test_accounts_are_connected_and_disconnected_on_the_account_page(confirmed, owner, host):
    is_ada(host, "ada@elsewhere.example")
    assert go(confirmed, host, "gitlab", process="connect").url == "/account"
    page = confirmed.get("/account").content.decode()
    assert "GitLab" in page
    assert usernames_of(owner) == {"gitlab": "ada"}
    assert user_of_username("gitlab", "ADA") == owner
    assert user_of_username("github", "ada") is None
    connection = SocialAccount.objects.get()
    assert not SocialToken.objects.exists(), "the host's token is not kept"
    assert confirmed.post(f"/account/connections/{connection.pk}/remove").url == "/account"
    assert usernames_of(owner) == {}


def test_connecting_asks_who_is_there(client, owner, host):
    client.force_login(owner)
    is_ada(host)
    assert go(client, host, process="connect").url == "/account/confirm"
    assert not SocialAccount.objects.exists()
    assert client.post("/account/confirm", {"password": PASSWORD}).url == "/account"
    assert usernames_of(owner) == {"github": "ada"}


def test_an_account_of_another_person_is_not_connected(confirmed, host, make_user):
    other = make_user("other@example.com")
    SocialAccount.objects.create(user=other, provider="github", uid="7", extra_data={"login": "ada"})
    is_ada(host)
    go(confirmed, host, process="connect")
    assert "connected to another person" in confirmed.get("/account").content.decode()
    assert SocialAccount.objects.get().user == other


def test_another_persons_connection_is_not_there(confirmed, make_user):
    other = make_user("other@example.com")
    theirs = SocialAccount.objects.create(user=other, provider="github", uid="7")
    assert confirmed.post(f"/account/connections/{theirs.pk}/remove").status_code == 404
    assert SocialAccount.objects.exists()


def test_the_last_way_in_is_kept(client, host, settings):
    settings.SIGN_UP = "open"
    is_ada(host)
    go(client, host)
    client.post(f"/account/connections/{SocialAccount.objects.get().pk}/remove")
    assert "set a password first" in client.get("/account").content.decode()
    assert SocialAccount.objects.exists()
    assert client.post("/account/password", {"new": "another staple entirely"}).url == "/account"
    assert User.objects.get().check_password("another staple entirely")


def test_who_is_shut_out_does_not_come_in_through_a_host(client, host, make_user):
    ada = make_user("ada@example.com")
    User.objects.update(is_active=False)
    is_ada(host)
    assert go(client, host).url == "/login/inactive"
    assert not is_in(client)
    assert usernames_of(ada) == {} or user_of_username("github", "ada") is None
