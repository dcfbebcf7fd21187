"""Environments and deployments through the API."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Role
from accounts.services.tokens import make_token
from builds.states import Status
from deployments.models import Deployment, Freeze
from tests.browser import seed_deployments
from tests.browser.seed_deployments import Place
from tests.deployments.conftest import of

pytestmark = pytest.mark.django_db


@pytest.fixture
def base(organization, project):
    return f"/v2/organizations/{organization.uuid}/projects/{project.uuid}"


def api(user):
    _, raw = make_token(user, "test")
    return Client(headers={"Authorization": f"Bearer {raw}"})


def test_environments_and_deployments_are_listed(release, end, member, base):
    end(of(release(), "staging"))
    release(commit="b" * 40)
    staging, production = api(member).get(f"{base}/environments").json()["environments"]
    assert (staging["name"], staging["live"]["release"], staging["coming"][0]["release"]) == ("staging", 1, 2)
    assert (production["after"], production["live"], production["coming"][0]["state"]) == (
        "staging",
        None,
        "rolling_out",
    )
    page = api(member).get(f"{base}/deployments?per_page=2").json()
    assert (page["total"], [each["environment"] for each in page["deployments"]]) == (3, ["staging", "production"])
    one = page["deployments"][0]
    whole = api(member).get(f"{base}/deployments/{one['uuid']}").json()["deployment"]
    assert {name: whole[name] for name in one} == one
    assert [stage["percent"] for stage in whole["stages"]] == [100]


def test_deploy_roll_back_and_stop(release, end, owner, base, commits):
    first = end(of(release(), "staging"))
    end(of(release(commit="b" * 40), "staging"))
    place = f"{base}/environments/{first.environment.uuid}"
    with commits():
        answer = api(owner).post(f"{place}/rollback", {"release": 1, "reason": "500s"}, content_type="application/json")
    assert (answer.status_code, answer.json()["deployment"]["rollback"]) == (202, True)
    back = Deployment.objects.get(uuid=answer.json()["deployment"]["uuid"])
    assert end(back).status == "live"
    with commits():
        answer = api(owner).post(f"{place}/deploy", {"release": 2}, content_type="application/json")
    assert answer.status_code == 202
    again = answer.json()["deployment"]["uuid"]
    twice = api(owner).post(f"{place}/deploy", {"release": 2}, content_type="application/json")
    assert (twice.status_code, "already" in twice.json()["errors"][0]) == (400, True)
    with commits():
        assert api(owner).post(f"{base}/deployments/{again}/stop").status_code == 202
    assert Deployment.objects.get(uuid=again).status == "cancelled"


@pytest.mark.parametrize(
    "asked", [{}, {"release": 0}, {"release": "x"}, {"release": 1}, {"release": 1, "reason": ""}, {"release": 10**20}]
)
def test_a_rollback_without_release_or_reason_is_refused(release, end, owner, base, asked):
    first = end(of(release(), "staging"))
    place = f"{base}/environments/{first.environment.uuid}"
    answer = api(owner).post(f"{place}/rollback", asked, content_type="application/json")
    assert answer.status_code == 400
    assert Deployment.objects.filter(is_rollback=True).count() == 0


def test_rights(release, end, member, stranger, base):
    deployment = end(of(release(), "staging"), Status.FAILED)
    posts = [
        (f"{base}/environments/{deployment.environment.uuid}/deploy", {"release": 1}),
        (f"{base}/environments/{deployment.environment.uuid}/rollback", {"release": 1, "reason": "x"}),
        (f"{base}/deployments/{deployment.uuid}/stop", {}),
    ]
    for address, asked in posts:
        for client, status in ((api(member), 403), (api(stranger), 404), (Client(), 401)):
            assert client.post(address, asked, content_type="application/json").status_code == status
    for address in (f"{base}/environments", f"{base}/deployments", f"{base}/deployments/{deployment.uuid}"):
        assert api(stranger).get(address).status_code == 404
        assert Client().get(address).status_code == 401
    assert Deployment.objects.count() == 1


OPERATIONS = {
    "list_environments",
    "deploy",
    "rollback",
    "list_deployments",
    "show_deployment",
    "stop_deployment",
    "pause_deployment",
    "let_deployment_go_on",
    "approve_deployment",
    "reject_deployment",
    "let_deployment_go_now",
    "settle_deployment",
    "check_deployment_again",
    "list_releases",
    "show_release",
    "mark_release",
    "unmark_release",
    "list_freezes",
    "make_freeze",
    "lift_freeze",
}


def test_the_document_knows_the_routes(client):
    paths = client.get("/v2/openapi.json").json()["paths"]
    named = {operation["operationId"] for path in paths.values() for operation in path.values()}
    assert named >= OPERATIONS


def tomorrow() -> str:
    return (timezone.now() + timedelta(days=1)).isoformat()


def send(user, address, **asked):
    return api(user).post(address, asked, content_type="application/json")


class TestGates:
    @pytest.fixture
    def place(self, project):
        return Place(project)

    @pytest.fixture
    def manager(self, make_user, organization):
        return make_user("manager@example.com", organization, Role.MANAGER)

    def one(self, base, deployment):
        return f"{base}/deployments/{deployment.uuid}"

    def test_a_canary_is_told_whole(self, place, member, base):
        rolling = seed_deployments.canary(place)
        told = api(member).get(self.one(base, rolling)).json()["deployment"]
        assert [(stage["percent"], stage["state"]) for stage in told["stages"]] == [
            (1, "passed"),
            (10, "running"),
            (50, "none"),
            (100, "none"),
        ]
        baking = told["stages"][1]
        assert (baking["words"], baking["number"], bool(baking["bakes_until"])) == ("bakes", 2, True)
        assert (baking["probes"][1]["milliseconds"], baking["probes"][1]["right"]) == (1840, True)
        production = api(member).get(f"{base}/environments").json()["environments"][1]
        assert production["gates"]["windows"] == ["Mon-Thu 18:00-10:00 Europe/Vienna"]
        assert production["gates"]["approval"]["not_author"]
        assert (production["health"]["state"], production["health"]["probes"][0]["tries"]) == ("good", 412)
        assert production["coming"][0]["uuid"] == str(rolling.uuid)

    def test_what_went_back_keeps_its_answer(self, place, member, base):
        back = seed_deployments.failed_probe(place)
        told = api(member).get(self.one(base, back)).json()["deployment"]
        kinds = [(stage["kind"], stage["state"], stage["release"]) for stage in told["stages"]]
        assert kinds[-1] == ("rollback", "passed", 1)
        assert kinds[2:4] == [("rollout", "skipped", 2)] * 2
        assert "cart_items" in told["stages"][1]["probes"][0]["answer"]

    def test_pause_and_go_on(self, place, owner, member, base, commits):
        rolling = seed_deployments.canary(place)
        address = self.one(base, rolling)
        with commits():
            assert send(member, f"{address}/pause").status_code == 403
            paused = send(owner, f"{address}/pause")
            twice = send(owner, f"{address}/pause")
        assert (paused.status_code, bool(paused.json()["deployment"]["paused_at"])) == (202, True)
        assert (twice.status_code, "paused already" in twice.json()["errors"][0]) == (400, True)
        with commits():
            assert send(owner, f"{address}/go_on").json()["deployment"]["paused_at"] is None
            assert send(owner, f"{address}/go_on").status_code == 400

    @pytest.mark.parametrize(("verb", "approved"), [("approve", True), ("reject", False)])
    def test_a_word_for_what_waits(self, place, member, manager, base, commits, verb, approved):
        waiting = seed_deployments.waiting(place)
        address = f"{self.one(base, waiting)}/{verb}"
        refused = send(member, address)
        assert (refused.status_code, "a manager" in refused.json()["errors"][0]) == (403, True)
        with commits():
            told = send(manager, address, comment="Seen")
            twice = send(manager, address)
        assert told.status_code == 202
        decision = told.json()["deployment"]["decisions"][0]
        assert (decision["who"], decision["approved"], decision["comment"]) == (manager.email, approved, "Seen")
        assert (twice.status_code, told.json()["deployment"]["state"] == "waiting") == (400, False)

    def test_what_is_held_goes_with_a_reason_and_the_right(
        self, place, manager, make_user, organization, base, commits
    ):
        held = seed_deployments.held(place)
        address = f"{self.one(base, held)}/override"
        deployer = make_user("pm@example.com", organization, Role.PROJECT_MANAGER)
        assert send(deployer, address, reason="x").status_code == 403
        assert send(manager, address, reason="").status_code == 400
        with commits():
            told = send(manager, address, reason="The shop is down")
        assert (told.status_code, told.json()["deployment"]["override_reason"]) == (202, "The shop is down")
        assert send(manager, address, reason="again").status_code == 400

    def test_what_nobody_knows_is_looked_at_and_settled(self, place, owner, base, commits):
        lost = seed_deployments.unknown(place)
        address = self.one(base, lost)
        with commits():
            assert send(owner, f"{address}/check_again").status_code == 202
            assert send(owner, f"{address}/settle", outcome="perhaps").status_code == 400
            told = send(owner, f"{address}/settle", outcome="failed", reason="I looked")
            assert send(owner, f"{address}/settle", outcome="live").status_code == 400
        assert told.json()["deployment"]["state"] != "unknown"


class TestReleases:
    def test_listed_shown_and_marked(self, project, owner, member, base):
        release = Place(project).release("Drop a column")
        assert api(member).get(f"{base}/releases").json()["releases"][0]["commit_message"] == "Drop a column"
        address = f"{base}/releases/{release.number}"
        assert api(member).get(address).json()["release"]["images"]["pushed by push web"].startswith("sha256:9c")
        assert send(member, f"{address}/irreversible", reason="x").status_code == 403
        assert send(owner, f"{address}/irreversible", reason=" ").status_code == 400
        marked = send(owner, f"{address}/irreversible", reason="0007 drops carts")
        assert (marked.status_code, marked.json()["release"]["irreversible"]) == (200, "0007 drops carts")
        assert send(owner, f"{address}/reversible", reason="Restored").json()["release"]["irreversible"] == ""
        for number in ("99", "99999999999999999999"):
            assert api(member).get(f"{base}/releases/{number}").status_code == 404

    def test_a_rollback_past_a_mark_needs_a_reason_of_its_own(self, project, owner, base, commits):
        place = Place(project)
        old = place.deployment(place.release("Good", minutes=90), "production", "superseded", minutes=80)
        place.live("production", "", release=place.release("Drop carts", irreversible="0007 drops carts"))
        address = f"{base}/environments/{old.environment.uuid}/rollback"
        refused = send(owner, address, release=1, reason="500s")
        assert (refused.status_code, "0007 drops carts" in refused.json()["errors"][0]) == (400, True)
        with commits():
            assert send(owner, address, release=1, reason="500s", override="Saved").status_code == 202


class TestFreezes:
    @pytest.fixture
    def freezes(self, organization):
        return f"/v2/organizations/{organization.uuid}/freezes"

    def test_one_is_made_listed_and_lifted(self, project, owner, member, freezes):
        environment = Place(project).environments["production"]
        asked = {"environment_uuid": str(environment.uuid), "ends_at": tomorrow(), "reason": "Fair"}
        assert send(member, freezes, **asked).status_code == 403
        made = send(owner, freezes, **asked)
        assert (made.status_code, made.json()["freeze"]["environment"]) == (201, "production")
        assert api(member).get(freezes).json()["freezes"] == [made.json()["freeze"]]
        address = f"{freezes}/{made.json()['freeze']['uuid']}"
        assert api(member).delete(address).status_code == 403
        assert (api(owner).delete(address).status_code, api(owner).delete(address).status_code) == (200, 404)
        assert not Freeze.objects.exists()

    def test_all_environments_are_an_owners_to_freeze(self, project, make_user, organization, owner, freezes):
        manager = make_user("manager@example.com", organization, Role.MANAGER)
        asked = {"ends_at": tomorrow(), "reason": "All"}
        assert send(manager, freezes, **asked).status_code == 403
        assert send(owner, freezes, **asked).json()["freeze"]["environment"] is None

    @pytest.mark.parametrize(
        "wrong",
        [
            {"ends_at": "2027-01-01T00:00:00"},
            {"ends_at": "2001-01-01T00:00:00Z"},
            {"ends_at": "9999-12-31T23:59:59-12:00"},
            {"starts_at": "0001-01-01T00:00:00+14:00"},
            {"reason": ""},
            {"environment_uuid": "nonsense"},
        ],
    )
    def test_what_makes_no_sense_is_refused(self, owner, freezes, wrong):
        assert send(owner, freezes, **{"ends_at": tomorrow(), "reason": "Fair", **wrong}).status_code == 400
        assert not Freeze.objects.exists()

    def test_another_organisations_environment_does_not_exist(self, project, stranger, freezes):
        environment = Place(project).environments["production"]
        own = f"/v2/organizations/{stranger.organizations.get().uuid}/freezes"
        asked = {"environment_uuid": str(environment.uuid), "ends_at": tomorrow(), "reason": "Fair"}
        assert send(stranger, own, **asked).status_code == 404
        assert api(stranger).get(freezes).status_code == 404
