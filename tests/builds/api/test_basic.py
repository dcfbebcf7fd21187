"""CodeShip Basic over the API: pipelines that a project keeps, and everything that CodeShip's clients send of a project."""

import json
from dataclasses import replace

import pytest

from accounts.models import Organization, Team
from builds.models import KeptPipelines, Project, ProjectKey, Secret
from builds.services.keep_pipelines import keep_pipelines, kept_of, kept_text

URL = "git@github.com:shop/web.git"


def send(api, method, url, **fields):
    return api.generic(method, url, json.dumps(fields), content_type="application/json")


@pytest.fixture
def url(projects_url, project):
    return f"{projects_url}/{project.uuid}"


def test_a_basic_project_as_codeships_client_for_go_makes_it(api, projects_url):
    made = send(api, "POST", projects_url, repository_url=URL, test_pipelines=[{"name": "run", "commands": ["make"]}])
    assert made.status_code == 201
    told = made.json()["project"]
    assert told["type"] == "basic"
    assert [(one["name"], one["commands"]) for one in told["test_pipelines"]] == [("run", ["make"])]
    assert kept_of(Project.objects.get(uuid=told["uuid"])).pipelines[0].commands == "make"


def test_a_pro_project_has_no_use_for_basics_fields(api, projects_url):
    tests = [{"name": "run", "commands": ["make"]}]
    told = send(api, "POST", projects_url, repository_url=URL, type=1, test_pipelines=tests).json()["project"]
    assert (told["type"], told["test_pipelines"], told["setup_commands"]) == ("pro", [], [])
    assert not KeptPipelines.objects.exists()


def test_everything_of_a_basic_project(api, projects_url, organization):
    team = Team.objects.create(organization=organization, name="Web")
    fields = {
        "type": "basic",
        "repository_url": URL,
        "team_ids": [team.pk],
        "setup_commands": ["rvm use 2.4", "# bundle", "bundle install"],
        "test_pipelines": [{"name": "unit", "commands": ["rake"]}, {"name": "lint", "commands": ["rubocop"]}],
        "deploy_pipelines": [
            {"branch": "master", "match_mode": "exact", "config": [{"type": "script_deployment", "commands": ["cap"]}]},
            {
                "branch": {"branch_name": "demo/", "match_mode": "starts_with"},
                "config": [
                    {"position": 2, "type": "script_deployment", "commands": ["./notify"]},
                    {"position": 1, "type": "heroku_deployment", "name": "shop-demo", "api_key": "of-heroku"},
                ],
            },
        ],
        "environment_variables": [{"name": "TOKEN", "value": "v3ry-s3cret"}],
        "build_on_pr_only": True,
    }
    response = send(api, "POST", projects_url, **fields)
    assert response.status_code == 201, response.content
    told = response.json()["project"]
    assert "v3ry-s3cret" not in response.content.decode()
    assert "of-heroku" not in response.content.decode()
    assert told["team_ids"] == [team.pk]
    assert told["setup_commands"] == fields["setup_commands"]
    assert told["environment_variables"] == [{"name": "TOKEN", "value": None}]
    assert told["build_on_pr_only"] is True
    assert [one["branch"] for one in told["deployment_pipelines"]] == [
        {"branch_name": "master", "match_mode": "exact"},
        {"branch_name": "demo/", "match_mode": "starts_with"},
    ]
    assert told["deployment_pipelines"][1]["config"] == {
        "position": 1,
        "type": "heroku_deployment",
        "name": "shop-demo",
    }
    secrets = {(one.environment, one.name): one.value for one in Secret.objects.all()}
    assert secrets == {("", "TOKEN"): "v3ry-s3cret", ("demo/", "HEROKU_API_KEY"): "of-heroku"}
    assert "demo/*" in kept_text(Project.objects.get(uuid=told["uuid"]))
    assert api.get(f"{projects_url}/{told['uuid']}").json()["project"]["test_pipelines"] == told["test_pipelines"]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"type": "free"}, "type"),
        ({"team_ids": [2**70]}, "team_ids: Shop has no team"),
        ({"team_ids": [-1]}, "team_ids: Shop has no team -1."),
        ({"branches": ["main"]}, "branches"),
        ({"environment_variables": [{"name": "1 X", "value": "y"}]}, "environment_variables: Use letters"),
        ({"environment_variables": [{"name": "X", "value": ""}]}, "environment_variables: A secret needs a value."),
        ({"test_pipelines": [{"name": "a"}, {"name": "a"}]}, "Two pipelines are called a"),
        ({"deploy_pipelines": [{"branch": "x", "config": [{"type": "app_engine_deployment"}]}]}, "gcloud app deploy"),
        ({"deploy_pipelines": [{"branch": "x", "match_mode": "y", "config": ["a"]}]}, "match_mode: use exact"),
        ({"deploy_pipelines": [{"branch": "", "config": ["a"]}]}, "name a branch"),
        ({"deploy_pipelines": [{"branch": "x", "config": [{"type": "s3_deployment", "acl": {}}]}]}, "acl is to be"),
        ({"deploy_pipelines": [{"branch": "x", "config": [{"type": "s3_deployment", "colour": "red"}]}]}, "colour"),
        ({"test_pipelines": [{"name": "a\x00", "commands": ["x"]}]}, ""),
    ],
)
def test_what_does_not_do_is_refused_and_nothing_is_made(api, projects_url, organization, fields, said):
    response = send(api, "POST", projects_url, repository_url=URL, **fields)
    assert response.status_code == 400, response.content
    assert said in " ".join(response.json()["errors"])
    assert not Project.objects.exists()


def test_a_put_replaces_what_it_names_and_nothing_else(api, url, project):
    send(api, "PUT", url, type="basic", setup_commands=["a"], environment_variables=[{"name": "A", "value": "1"}])
    before = Secret.objects.get(name="A")
    told = send(
        api,
        "PUT",
        url,
        environment_variables=[{"name": "A", "value": None}, {"name": "B", "value": "2"}],
        name="shop/new",
    )
    assert told.status_code == 200, told.content
    project = Project.objects.get(pk=project.pk)
    assert (project.name, kept_of(project).setup) == ("shop/new", "a")
    assert {one.name: one.value for one in Secret.objects.all()} == {"A": before.value, "B": "2"}
    send(api, "PUT", url, environment_variables=[])
    assert not Secret.objects.exists()


def test_a_failing_put_changes_nothing(api, url, project):
    response = send(api, "PUT", url, name="shop/new", team_ids=[99])
    assert response.status_code == 400
    assert Project.objects.get(pk=project.pk).name == "shop/api"


def test_a_team_of_another_organisation_is_none(api, url):
    theirs = Team.objects.create(organization=Organization.objects.create(name="Else", slug="else"), name="Web")
    assert send(api, "PUT", url, team_ids=[theirs.pk]).status_code == 400


def test_a_project_with_pipelines_does_not_become_pro(api, url):
    send(api, "PUT", url, setup_commands=["a"], test_pipelines=[{"name": "t", "commands": ["x"]}])
    assert "delete them" in send(api, "PUT", url, type="pro").json()["errors"][0]
    send(api, "PUT", url, test_pipelines=[])
    assert send(api, "PUT", url, type="pro").json()["project"]["type"] == "pro"


def test_the_key_is_for_who_may_change_the_project(api, api_of, member, url, projects_url, project):
    key = ProjectKey.objects.create(project=project).text.strip()
    assert api.get(url).json()["project"]["aes_key"] == key
    assert api_of(member).get(url).json()["project"]["aes_key"] is None
    assert api.get(projects_url).json()["projects"][0]["aes_key"] is None
    new = send(api, "POST", f"{url}/reset_aes_key").json()["project"]["aes_key"]
    assert new not in {None, key}
    assert api.get(url).json()["project"]["aes_key"] == new
    assert send(api_of(member), "POST", f"{url}/reset_aes_key").status_code == 403


def test_test_pipelines_one_by_one(api, url):
    tests = f"{url}/test_pipelines"
    assert api.get(tests).json()["test_pipelines"] == []
    one = send(api, "POST", tests, name="unit", commands=["rake"]).json()["test_pipeline"]
    two = send(api, "POST", tests, name="lint", commands=["rubocop"]).json()["test_pipeline"]
    assert one["id"] != two["id"]
    changed = send(api, "PUT", f"{tests}/{one['id']}", name="units", commands=["rake", "rake slow"])
    assert changed.json()["test_pipeline"]["id"] == one["id"]
    assert [row["name"] for row in api.get(tests).json()["test_pipelines"]] == ["units", "lint"]
    assert api.get(f"{tests}/{one['id']}").json()["test_pipeline"]["commands"] == ["rake", "rake slow"]
    assert api.delete(f"{tests}/{one['id']}").status_code == 204
    page = api.get(f"{tests}?per_page=1").json()
    assert (page["total"], page["test_pipelines"][0]["id"]) == (1, two["id"])
    for method in ("GET", "PUT", "DELETE"):
        assert send(api, method, f"{tests}/{one['id']}", name="x").status_code == 404
    assert "called lint" in send(api, "POST", tests, name="lint").json()["errors"][0]


def test_deployment_pipelines_one_by_one(api, url, project):
    deploys = f"{url}/deploy_pipelines"
    steps = [{"type": "s3_deployment", "s3_bucket": "web", "local_path": "www", "aws_access_key_id": "AK"}]
    made = send(api, "POST", deploys, branch="master", config=steps, name="production")
    assert made.status_code == 201, made.content
    one = made.json()["deploy_pipeline"]
    assert one["config"] == [{"position": 1, "type": "s3_deployment", "s3_bucket": "web", "local_path": "www"}]
    assert Secret.objects.get(environment="production").name == "AWS_ACCESS_KEY_ID"
    assert (
        "there already" in send(api, "POST", deploys, branch="x", config=["y"], name="production").json()["errors"][0]
    )
    put = send(api, "PUT", f"{deploys}/{one['id']}", branch="main", config=["./deploy"], name="production")
    assert put.json()["deploy_pipeline"]["config"][0]["commands"] == ["./deploy"]
    assert api.delete(f"{deploys}/{one['id']}").status_code == 204
    assert api.get(deploys).json()["deploy_pipelines"] == []


def test_a_page_that_saves_pipelines_keeps_their_numbers(api, url, project, owner):
    one = send(api, "POST", f"{url}/test_pipelines", name="unit", commands=["rake"]).json()["test_pipeline"]
    kept = kept_of(project)
    keep_pipelines(project, replace(kept, pipelines=tuple(replace(row, id=0) for row in kept.pipelines)), who=owner)
    assert kept_of(project).pipelines[0].id == one["id"]


def test_contributors_read_and_change_nothing(api, api_of, member, url):
    one = send(api, "POST", f"{url}/test_pipelines", name="unit", commands=["rake"]).json()["test_pipeline"]
    theirs = api_of(member)
    assert theirs.get(f"{url}/test_pipelines/{one['id']}").status_code == 200
    assert send(theirs, "PUT", f"{url}/test_pipelines/{one['id']}", name="x").status_code == 403
    assert send(theirs, "PUT", url, name="x").status_code == 403
    assert send(theirs, "POST", f"{url}/deploy_pipelines", branch="x", config=["y"]).status_code == 403


def test_a_list_of_projects_asks_no_more_for_more(api, projects_url, organization, django_assert_num_queries):
    def make(number):
        Project.objects.create(organization=organization, name=f"p{number}", repository_url=URL)

    make(0)
    api.get(projects_url)
    with django_assert_num_queries(8):
        api.get(projects_url)
    for number in range(1, 9):
        make(number)
    with django_assert_num_queries(8):
        assert api.get(projects_url).json()["total"] == 9


def test_notification_rules_are_codeships(api, url, project):
    rules = [
        {"notifier": "email", "target": "all", "build_statuses": ["failed", "recovered"]},
        {"notifier": "slack", "branch": "main", "build_statuses": ["success"], "options": {"url": "https://x.test/h"}},
        {"notifier": "github", "build_statuses": ["started"]},
    ]
    told = send(api, "PUT", url, notification_rules=rules)
    assert told.status_code == 200, told.content
    assert "x.test" not in told.content.decode()
    shown = told.json()["project"]["notification_rules"]
    assert [(rule["notifier"], rule["target"], rule["branch"], rule["build_statuses"]) for rule in shown] == [
        ("email", "all", None, ["failed", "recovered"]),
        ("slack", None, "main", ["success"]),
    ]
    send(
        api,
        "PUT",
        url,
        notification_rules=[{"notifier": "email", "build_owner": "committer", "build_statuses": ["failed"]}],
    )
    rules_now = [(rule.channel, rule.target, rule.events) for rule in project.notification_rules.all()]
    assert rules_now == [("email", "committer", ["failed"])]


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ({"notifier": "hipchat", "build_statuses": ["failed"]}, "there is no notifier hipchat"),
        ({"notifier": "email", "build_statuses": []}, "build_statuses"),
        ({"notifier": "email", "build_statuses": ["exploded"]}, "build_statuses"),
        ({"notifier": "webhook", "build_statuses": ["failed"], "options": {"url": "nowhere"}}, "the hook's address"),
        ({"notifier": "email", "target": "x y", "build_statuses": ["failed"]}, "e-mail address"),
    ],
)
def test_a_rule_that_does_not_do_is_refused(api, url, project, rule, said):
    response = send(api, "PUT", url, notification_rules=[rule])
    assert response.status_code == 400
    assert said in response.json()["errors"][0]
    assert not project.notification_rules.exists()
