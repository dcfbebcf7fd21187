"""The pages of environments and deployments: what they show, who may press what."""

import pytest
from django.urls import reverse

from accounts.models import Role
from builds.states import Status
from deployments.models import Deployment
from tests.deployments.conftest import of

pytestmark = pytest.mark.django_db


@pytest.fixture
def deployer(make_user, organization):
    return make_user("pm@example.com", organization, Role.PROJECT_MANAGER)


def board(project):
    return reverse("environments", args=[project.uuid])


def page(deployment, name="deployment"):
    return reverse(name, args=[deployment.environment.project.uuid, deployment.uuid])


def by_hand(deployment, name):
    return reverse(name, args=[deployment.environment.project.uuid, deployment.environment.uuid])


def test_an_empty_project_says_what_to_write(client, member, project):
    client.force_login(member)
    shown = client.get(board(project)).content.decode()
    assert "deployments:" in shown
    assert "after: staging" in shown


def test_the_board_shows_what_is_live_and_what_comes(client, member, project, release, end):
    end(of(release(message="Fix <b>tax</b>"), "staging"))
    release(commit="b" * 40, message="New button")
    client.force_login(member)
    for address in (board(project), f"{board(project)}?part=board"):
        shown = client.get(address).content.decode()
        assert shown.index("staging") < shown.index("production")
        assert "Release 1" in shown
        assert "is live" in shown
        assert "Fix &lt;b&gt;tax&lt;/b&gt;" in shown
        assert "waits for a runner" in shown
        assert "Roll back" not in shown, "a contributor may not"
    assert client.get(f"{board(project)}?before=junk").status_code == 200
    assert client.get(f"{board(project)}?before=1").status_code == 200


def test_the_board_costs_the_same_for_many(client, member, project, release, end, django_assert_max_num_queries):
    client.force_login(member)
    for letter in "abcdefgh":
        end(of(release(commit=letter * 40), "staging"))
    with django_assert_max_num_queries(18):
        client.get(board(project))


def test_slots_tell_the_pages_of_builds(client, member, project, release, end):
    build = release()
    end(end(of(build, "staging")) and of(build, "production"))
    client.force_login(member)
    assert "live <span" in client.get(reverse("projects")).content.decode()
    shown = client.get(reverse("build", args=[project.uuid, build.number])).content.decode()
    assert page(of(build, "production")) in shown


def test_a_deployments_page_tells_its_history(client, member, release, end):
    deployment = end(of(release(), "staging"), Status.FAILED, reason="deploy exited 1")
    client.force_login(member)
    shown = client.get(page(deployment)).content.decode()
    for words in ("requested", "rolling out", "failed", "deploy exited 1", "runner-1"):
        assert words in shown
    assert client.get(f"{page(deployment)}?part=1").status_code == 200


def test_rollback_asks_once_and_says_what_changes(client, deployer, release, end, commits):
    first = end(of(release(message="Good"), "staging"))
    bad = end(of(release(commit="b" * 40, message="Bad idea"), "staging"))
    client.force_login(deployer)
    asked = client.get(by_hand(bad, "environment_rollback")).content.decode()
    assert "Bad idea" in asked
    assert "taken back" in asked
    count = Deployment.objects.count()
    refused = client.post(by_hand(bad, "environment_rollback"), {"release": "1", "reason": ""})
    assert (refused.status_code, Deployment.objects.count()) == (400, count)
    with commits():
        answer = client.post(by_hand(bad, "environment_rollback"), {"release": "1", "reason": "500s"})
    back = Deployment.objects.latest("id")
    assert answer.headers["Location"] == page(back)
    assert (back.release, back.is_rollback, back.requested_by) == (first.release, True, deployer)
    assert end(back).status == "live"
    assert "⟲" in client.get(board(bad.environment.project)).content.decode()


def test_a_release_is_deployed_again_by_hand(client, deployer, release, end, commits):
    failed = end(of(release(), "staging"), Status.FAILED)
    client.force_login(deployer)
    assert client.get(f"{by_hand(failed, 'environment_deploy')}?release=1").status_code == 200
    with commits():
        client.post(by_hand(failed, "environment_deploy"), {"release": "1"})
        client.post(by_hand(failed, "environment_deploy"), {"release": "1"})
    again = Deployment.objects.latest("id")
    assert (Deployment.objects.count(), again.status, again.automatic) == (2, "rolling_out", False)
    end(again)
    assert Deployment.objects.filter(environment__name="production").exists()


@pytest.mark.parametrize("number", ["", "0", "99", "-1", "1e3", "²", "9" * 30, "x"])
def test_numbers_that_are_no_release(client, deployer, release, end, number):
    deployment = end(of(release(), "staging"), Status.FAILED)
    client.force_login(deployer)
    answer = client.post(by_hand(deployment, "environment_rollback"), {"release": number, "reason": "x"})
    assert answer.status_code == 400
    assert Deployment.objects.count() == 1


@pytest.mark.parametrize(("outcome", "state"), [("live", "live"), ("failed", "failed"), ("again", "failed")])
def test_a_person_answers_the_unknown(client, deployer, release, end, commits, outcome, state):
    lost = end(of(release(), "staging"), Status.ERRORED, failure="runner_lost", reason="The runner was lost.")
    client.force_login(deployer)
    assert "Nobody knows" in client.get(page(lost)).content.decode()
    client.post(page(lost, "deployment_settle"), {"outcome": "maybe"})
    with commits():
        client.post(page(lost, "deployment_settle"), {"outcome": outcome, "reason": "I looked"})
        client.post(page(lost, "deployment_settle"), {"outcome": outcome})
    lost.refresh_from_db()
    assert (lost.status, lost.reason) == (state, "I looked")
    again = Deployment.objects.filter(environment__name="staging").exclude(pk=lost.pk)
    assert [each.status for each in again] == (["rolling_out"] if outcome == "again" else [])


def test_stop(client, deployer, release, commits):
    deployment = of(release(), "staging")
    client.force_login(deployer)
    with commits():
        client.post(page(deployment, "deployment_stop"))
    deployment.refresh_from_db()
    assert deployment.status == "cancelled"


def test_rights(client, member, stranger, release):
    deployment = of(release(), "staging")
    posts = [
        page(deployment, "deployment_stop"),
        page(deployment, "deployment_settle"),
        by_hand(deployment, "environment_deploy"),
        by_hand(deployment, "environment_rollback"),
    ]
    shown = [board(deployment.environment.project), page(deployment)]
    values = {"release": "1", "reason": "x", "outcome": "live"}
    client.force_login(member)
    assert [client.get(address).status_code for address in shown] == [200, 200]
    assert [client.post(address, values).status_code for address in posts] == [403] * 4
    client.force_login(stranger)
    assert [client.get(address).status_code for address in [*shown, *posts[2:]]] == [404] * 4
    assert [client.post(address, values).status_code for address in posts] == [404] * 4
    client.logout()
    assert [client.get(address).status_code for address in shown] == [302, 302]
    assert Deployment.objects.count() == 1
    deployment.refresh_from_db()
    assert deployment.status == "rolling_out"


def test_a_deployment_is_not_found_through_another_project(client, stranger, release):
    deployment = of(release(), "staging")
    own = stranger.organizations.get().projects.create(name="own", repository_url="https://git.example.com/own.git")
    client.force_login(stranger)
    assert client.get(reverse("deployment", args=[own.uuid, deployment.uuid])).status_code == 404
    address = reverse("environment_rollback", args=[own.uuid, deployment.environment.uuid])
    assert client.post(address, {"release": "1", "reason": "x"}).status_code == 404


def test_verbs_are_posted(client, deployer, release):
    deployment = of(release(), "staging")
    client.force_login(deployer)
    assert client.get(page(deployment, "deployment_stop")).status_code == 405
    assert client.get(page(deployment, "deployment_settle")).status_code == 405
    client.get(f"{by_hand(deployment, 'environment_deploy')}?release=1&reason=x")
    assert Deployment.objects.count() == 1
