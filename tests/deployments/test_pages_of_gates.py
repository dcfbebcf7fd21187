"""The pages of what holds, waits, is frozen, bakes or went back: what they show, and their buttons."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import Role
from builds.pipeline.delivery import Approval, Gates
from builds.states import Status
from deployments.models import ApprovalDecision, Deployment, Freeze, Stage
from deployments.states import DeploymentStatus
from tests.browser import seed_deployments
from tests.browser.seed_deployments import Place

pytestmark = pytest.mark.django_db


@pytest.fixture
def manager(make_user, organization):
    return make_user("manager@example.com", organization, Role.MANAGER)


@pytest.fixture
def place(project):
    return Place(project)


@pytest.fixture
def look(client, project):
    """The text of a page, as this person sees it."""

    def look(user, name="environments", *arguments, **values):
        client.force_login(user)
        answer = client.get(reverse(name, args=[project.uuid, *arguments]), values)
        assert answer.status_code == 200
        return " ".join(answer.content.decode().split())

    return look


@pytest.fixture
def press(client, project, commits):
    """Press a button of a deployment as this person."""

    def press(user, name, deployment, **values):
        client.force_login(user)
        with commits():
            answer = client.post(reverse(f"deployment_{name}", args=[project.uuid, deployment.uuid]), values)
        deployment.refresh_from_db()
        return answer

    return press


@pytest.mark.parametrize("state", seed_deployments.STATES)
def test_every_state_has_its_pages_at_a_constant_price(
    client, place, member, project, state, django_assert_max_num_queries
):
    deployment = seed_deployments.STATES[state](place)
    client.force_login(member)
    for name, arguments, most in (
        ("environments", [], 19),
        ("deployment", [deployment.uuid], 16),
        ("release", [deployment.release.number], 16),
        ("freezes", [], 9),
    ):
        with django_assert_max_num_queries(most):
            assert client.get(reverse(name, args=[project.uuid, *arguments])).status_code == 200


def test_a_canary_shows_its_stages_their_bake_and_what_addresses_answered(place, member, look):
    deployment = seed_deployments.canary(place)
    for shown in (look(member), look(member, "deployment", deployment.uuid)):
        assert "bakes, stage 2 of 4, 10 %" in shown
        assert "data-left" in shown
        assert shown.count("to come") >= 2
        assert "200 in 1.8 s, 24 tries" in shown
        assert "Pause" not in shown, "a contributor may not"


def test_what_went_back_by_itself_keeps_the_answer_and_is_bracketed(place, member, look):
    deployment = seed_deployments.failed_probe(place)
    board, page = look(member), look(member, "deployment", deployment.uuid)
    for shown in (board, page):
        assert "cart_items" in shown, "the beginning of the answer"
        assert "500 in 1.2 s" in shown
    assert "production went back to release 1 by itself" in board
    assert "bracket-top" in board
    assert "bracket-bottom" in board
    assert "release 1 is back" in page
    assert "⟲ Back to release 1" in page
    assert page.count("not reached") == 2


def test_a_rollback_by_hand_is_bracketed_with_its_reason_and_who_wanted_it(place, owner, member, look):
    seed_deployments.unhealthy(place)
    shown = look(member)
    assert "went back to release 1, by owner@example.com" in shown
    assert "Checkout answers 500 for carts with a coupon" in shown
    assert "does not answer well" in shown


def test_what_is_held_says_until_when_and_only_those_with_the_right_may_let_it_go(place, member, manager, look, press):
    held = seed_deployments.held(place)
    shown = look(member)
    assert "held until" in shown
    assert "Europe/Vienna</time>" in shown
    assert "It goes by itself in" in shown
    assert "Black Friday" in shown
    assert "1 freeze holds or comes" in shown
    assert "Let it go now" not in shown
    assert "Let it go now" in look(manager)
    assert press(member, "override", held, reason="now").status_code == 403
    press(manager, "override", held, reason="")
    assert held.status == DeploymentStatus.HELD, "a reason is needed"
    press(manager, "override", held, reason="The shop is down")
    assert (held.status, held.override_reason) != (DeploymentStatus.HELD, "")
    assert "The shop is down" in look(member, "deployment", held.uuid)


def test_what_waits_asks_those_whose_word_counts(place, member, manager, look, press):
    waiting = seed_deployments.waiting(place)
    shown = look(member)
    assert "Waits for the approval of a manager" in shown
    assert "then it is given up" in shown
    assert "Approve or reject" not in shown
    assert "Approve or reject" in look(manager)
    press(member, "decide", waiting, decision="approve")
    press(manager, "decide", waiting, decision="perhaps")
    assert (waiting.status, ApprovalDecision.objects.count()) == (DeploymentStatus.WAITING, 0)
    for _ in range(2):
        press(manager, "decide", waiting, decision="approve", comment="Looks <good>")
    assert waiting.status != DeploymentStatus.WAITING
    assert "Looks &lt;good&gt;" in look(member, "deployment", waiting.uuid)


def test_a_rejected_one_is_given_up(place, manager, look, press):
    waiting = seed_deployments.waiting(place)
    press(manager, "decide", waiting, decision="reject", comment="Not today")
    assert waiting.status == DeploymentStatus.CANCELLED
    assert "rejected it" in look(manager, "deployment", waiting.uuid)


def test_pause_and_go_on(place, owner, look, press):
    rolling = seed_deployments.canary(place)
    press(owner, "pause", rolling)
    assert rolling.paused_at is not None
    shown = look(owner)
    assert "paused, stage 2 of 4, 10 %" in shown
    assert "Go on" in shown
    assert "data-left" not in shown.split("coming-list")[1].split("</section>")[0], "no time runs out"
    press(owner, "go_on", rolling)
    assert rolling.paused_at is None


def test_three_answers_to_what_nobody_knows(place, owner, look, press):
    lost = seed_deployments.unknown(place)
    shown = look(owner)
    for words in ("It went live", "It did not", "Check again", "The runner was lost"):
        assert words in shown
    press(owner, "settle", lost, outcome="check")
    assert lost.status == DeploymentStatus.UNKNOWN
    assert Stage.objects.get(deployment=lost).look_at is not None
    press(owner, "settle", lost, outcome="failed", reason="I looked")
    assert lost.status != DeploymentStatus.UNKNOWN


def test_stopping_says_what_comes_out_again(place, owner, look):
    seed_deployments.canary(place)
    assert (
        "Stop release 2 on its way to production? What is out of it is taken back: release 1 comes out again."
        in look(owner)
    )


def test_gates_are_told_in_words(place, member, look):
    place.protect("staging", Gates(tags=("v*",), approval=Approval(people=("ann@example.org",)), queue=True))
    shown = look(member)
    assert "from tags v*; approved by ann@example.org; one release after another" in shown


def test_an_address_that_no_browser_should_open_is_no_link(place, member, look):
    environment = place.environments["staging"]
    environment.url = "javascript:alert(1)"
    environment.save()
    assert "javascript:" not in look(member)


def test_an_environment_that_left_the_configuration_in_mid_flight_is_shown_until_it_is_empty(place, owner, look):
    rolling = seed_deployments.canary(place)
    environment = place.environments["production"]
    environment.retired = True
    environment.save()
    shown = look(owner)
    assert "no longer in the configuration" in shown
    assert "stage 2 of 4" in shown
    assert "Roll back production" not in shown
    Deployment.objects.filter(environment=environment).update(status=DeploymentStatus.CANCELLED)
    assert "no longer in the configuration" not in look(owner)
    assert "cancelled" in look(owner, "deployment", rolling.uuid)


def test_the_board_costs_the_same_however_much_is_on_it(client, place, member, project, django_assert_num_queries):
    seed_deployments.canary(place)
    client.force_login(member)
    address = reverse("environments", args=[project.uuid])
    client.get(address)
    with CaptureQueriesContext(connection) as few:
        client.get(address)
    for number in range(5):
        release = place.release(f"Waits {number}", minutes=number)
        place.deployment(release, "production", DeploymentStatus.REQUESTED)
        place.deployment(release, "staging", DeploymentStatus.SUPERSEDED)
        place.freeze(f"Freeze {number}", name="staging")
    with django_assert_num_queries(len(few)):
        client.get(address)


class TestFreezes:
    def form(self, **values):
        tomorrow = (timezone.now() + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M")
        return {"ends_at": tomorrow, "zone": "Europe/Vienna", "reason": "Fair", **values}

    def send(self, client, project, user, **values):
        client.force_login(user)
        return client.post(reverse("freezes", args=[project.uuid]), self.form(**values))

    def test_one_is_made_shown_and_lifted(self, client, place, project, owner, member, look):
        environment = place.environments["production"]
        assert self.send(client, project, owner, environment=str(environment.uuid)).status_code == 302
        made = Freeze.objects.get()
        assert (made.environment, made.reason, made.created_by) == (environment, "Fair", owner)
        assert "<b>Frozen</b> until" in look(member)
        assert "Lift" not in look(member, "freezes")
        client.force_login(owner)
        client.post(reverse("freeze_lift", args=[project.uuid, made.uuid]))
        assert not Freeze.objects.exists()

    def test_its_times_are_on_the_clock_that_is_named(self, client, place, project, owner):
        self.send(client, project, owner, starts_at="2027-07-01T18:00", ends_at="2027-07-02T06:00")
        made = Freeze.objects.get()
        assert made.starts_at.isoformat() == "2027-07-01T16:00:00+00:00"
        assert made.environment is None

    @pytest.mark.parametrize(
        "wrong",
        [
            {"reason": ""},
            {"zone": "Mars/Olympus"},
            {"zone": "../../etc/passwd"},
            {"ends_at": "tomorrow"},
            {"ends_at": "2001-01-01T00:00"},
            {"ends_at": "9999-12-31T23:59", "zone": "America/New_York"},
            {"starts_at": "0001-01-01T00:00", "zone": "Asia/Tokyo"},
            {"environment": "nonsense"},
            {"environment": "00000000-0000-4000-8000-000000000000"},
        ],
    )
    def test_what_makes_no_sense_is_said_beside_its_field(self, client, place, project, owner, wrong):
        answer = self.send(client, project, owner, **wrong)
        assert answer.status_code == 400
        assert "errorlist" in answer.content.decode()
        assert not Freeze.objects.exists()

    def test_rights(self, client, place, project, member, manager, stranger):
        assert self.send(client, project, member).status_code == 403
        assert self.send(client, project, stranger).status_code == 404
        assert self.send(client, project, manager).status_code == 400, "all environments are an owner's to freeze"
        all_of_it = place.freeze("All")
        client.force_login(manager)
        assert client.post(reverse("freeze_lift", args=[project.uuid, all_of_it.uuid])).status_code == 403
        assert Freeze.objects.count() == 1


class TestReleases:
    def test_what_it_is_made_of_and_where_it_has_been(self, place, member, look):
        live = place.live("staging", "Fix <b>tax</b>")
        shown = look(member, "release", live.release.number)
        for words in (
            "Fix &lt;b&gt;tax&lt;/b&gt;",
            "python@sha256:4f4f",
            "sha256:7b7b",
            "staging",
            live.release.commit,
        ):
            assert words in shown
        assert "cannot be taken back" not in shown

    def test_the_mark_is_set_with_a_reason_and_taken_away_with_one(self, client, place, owner, project, look):
        release = place.release("Drop a column")
        client.force_login(owner)
        for name, reason, marked in (
            ("release_mark", "", ""),
            ("release_mark", "0007 drops carts", "0007 drops carts"),
            ("release_unmark", "", "0007 drops carts"),
        ):
            client.post(reverse(name, args=[project.uuid, release.number]), {"reason": reason})
            release.refresh_from_db()
            assert release.irreversible == marked
        assert "0007 drops carts" in look(owner, "release", release.number)
        client.post(reverse("release_unmark", args=[project.uuid, release.number]), {"reason": "It was restored"})
        release.refresh_from_db()
        assert release.irreversible == ""

    def test_nothing_of_another_project_is_found(self, client, place, stranger, project):
        place.release("x")
        client.force_login(stranger)
        for number in (1, 99, 2**70):
            assert client.get(reverse("release", args=[project.uuid, number])).status_code == 404


class TestGoingBack:
    def page(self, place):
        environment = place.environments["production"]
        return reverse("environment_rollback", args=[place.project.uuid, environment.uuid])

    def test_it_says_what_changes_and_what_cannot_be_undone(self, client, place, owner, commits):
        old = place.deployment(place.release("Good", minutes=90), "production", "superseded", minutes=80)
        place.live("production", "", release=place.release("Drop carts", irreversible="0007 drops carts"))
        client.force_login(owner)
        asked = client.get(self.page(place), {"release": old.release.number}).content.decode()
        for words in (
            "Drop carts",
            "Variables",
            "Release 2 cannot be taken back",
            "0007 drops carts",
            "Why nevertheless",
        ):
            assert words in asked
        said = {"release": old.release.number, "reason": "500s"}
        refused = client.post(self.page(place), said)
        assert refused.status_code == 400
        assert "What cannot be taken back lies between" in refused.content.decode()
        with commits():
            assert client.post(self.page(place), {**said, "override": "The data is saved"}).status_code == 302
        assert Deployment.objects.latest("id").is_rollback

    def test_while_another_rolls_out_what_is_live_is_offered_first(self, client, place, owner):
        rolling = seed_deployments.canary(place)
        client.force_login(owner)
        asked = client.get(self.page(place)).content.decode()
        assert "<b>Release 2</b> is on its way and is stopped" in " ".join(asked.split())
        assert rolling.release.build.message in asked


def test_a_deployment_of_the_time_before_stages_still_shows_its_steps(place, member, look):
    old = place.deployment(place.release("Old"), "staging", "live")
    stage = place.stage(old, 100, status=Status.PASSED)
    stage.delete()
    shown = look(member, "deployment", old.uuid)
    assert "./deploy staging" in shown
    assert "log of deploy" in shown


class TestInThePagesOfBuilds:
    @pytest.mark.parametrize(
        ("state", "said"),
        [
            ("held", "held until"),
            ("waiting", "waits for approval"),
            ("unknown", "unknown whether it went live"),
            ("canary", "verifying"),
        ],
    )
    def test_a_projects_row_says_what_is_on_its_way(self, client, place, member, state, said):
        deployment = seed_deployments.STATES[state](place)
        client.force_login(member)
        shown = client.get(reverse("projects")).content.decode()
        assert said in shown
        assert f"{deployment.release} to production" in shown

    def test_a_build_says_where_its_release_went(self, client, place, member, project):
        back = seed_deployments.failed_probe(place)
        client.force_login(member)
        build = reverse("build", args=[project.uuid, back.release.build.number])
        shown = client.get(build).content.decode()
        assert "Release 2 in production: rolled back" in shown
        assert "Release 2 in staging: live" in shown
