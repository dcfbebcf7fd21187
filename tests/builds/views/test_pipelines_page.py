"""Pipelines kept in a project's settings: what is typed, what it comes to, who may."""

from __future__ import annotations

import html

import pytest

from accounts.models import AuditEntry
from builds.models import KeptPipelines
from builds.pipeline.basic import Kept, KeptDeployment, KeptPipeline, Match, Way
from builds.services.keep_pipelines import kept_of, kept_text


@pytest.fixture
def browser(client, owner):
    """A client logged in as an owner."""
    client.force_login(owner)
    return client


def typed(*pipelines, deployments=(), **top):
    data = {f"top-{name}": value for name, value in {"image": "", "setup": "", **top}.items()}
    for prefix, rows in (("pipelines", pipelines), ("deployments", deployments)):
        data |= {f"{prefix}-TOTAL_FORMS": str(len(rows)), f"{prefix}-INITIAL_FORMS": "0"}
        for number, row in enumerate(rows):
            data |= {f"{prefix}-{number}-{name}": value for name, value in row.items()}
    return data


TESTS = {"name": "test", "commands": "npm test\r\nnpm run e2e"}
TO_MAIN = {"name": "production", "match": "starts_with", "branch": "rel", "commands": "./deploy"}


def test_what_is_saved_is_shown_again_and_exported(browser, project):
    address = f"/projects/{project.uuid}/settings/pipelines"
    answer = browser.post(address, typed(TESTS, {"name": "", "commands": ""}, deployments=[TO_MAIN], setup="npm ci"))
    assert answer.url == address
    assert kept_of(project) == Kept(
        setup="npm ci",
        pipelines=(KeptPipeline(name="test", commands="npm test\nnpm run e2e"),),
        deployments=(KeptDeployment(name="production", match=Match.STARTS_WITH, branch="rel", commands="./deploy"),),
    )
    page = browser.get(address).content.decode()
    assert "npm run e2e</textarea>" in page
    exported = browser.get(f"{address}/ciservice.yml")
    assert exported.content.decode() == kept_text(project)
    assert "attachment" in exported.headers["Content-Disposition"]
    assert AuditEntry.objects.filter(action="project.pipelines_kept").count() == 1


@pytest.mark.parametrize(
    ("rows", "top", "problem"),
    [
        ([TESTS, TESTS], {}, "Two pipelines are called test."),
        ([{"name": "a\x07b", "commands": "ls"}], {}, "cannot be printed"),
        ([{"name": "t", "commands": "ls \x1b[2J"}], {}, "cannot be printed"),
        ([TESTS], {"setup": "x" * 70_000}, "at most 32768 characters"),
        ([{"name": "t", "commands": "a" * 30_000}], {"setup": "b" * 30_000}, "longer than"),
    ],
)
def test_what_cannot_run_is_told_as_one_types_and_not_kept(browser, project, rows, top, problem):
    address = f"/projects/{project.uuid}/settings/pipelines"
    preview = browser.post(f"{address}/preview", typed(*rows, **top))
    assert (preview.status_code, problem in preview.content.decode()) == (200, True)
    saved = browser.post(address, typed(*rows, **top))
    assert (saved.status_code, problem in saved.content.decode()) == (400, True)
    assert not KeptPipelines.objects.exists()


def test_a_deployment_needs_its_branch(browser, project):
    row = {**TO_MAIN, "branch": ""}
    answer = browser.post(f"/projects/{project.uuid}/settings/pipelines", typed(TESTS, deployments=[row]))
    assert "production needs a branch." in answer.content.decode()


ON_MAIN = {"name": "production", "match": "exactly", "branch": "main"}
TYPED = {
    "app": "shop",
    "application_name": "shop-app",
    "environment_name": "shop-live",
    "deployment_group_name": "web",
    "s3_bucket": "shop/www",
    "region": "eu-central-1",
    "folder": "public",
    "acl": "private",
    "url": "https://shop.example.com",
    "check_url": "on",
    "commands": "./deploy",
}


@pytest.mark.parametrize(
    ("way", "settings"),
    [
        (Way.HEROKU, {"name": "shop", "folder": "public", "url": "https://shop.example.com", "check_url": True}),
        (Way.S3, {"s3_bucket": "shop/www", "region": "eu-central-1", "local_path": "public", "acl": "private"}),
        (
            Way.ELASTIC_BEANSTALK,
            {
                "application_name": "shop-app",
                "environment_name": "shop-live",
                "s3_bucket": "shop/www",
                "region": "eu-central-1",
                "local_path": "public",
            },
        ),
        (
            Way.CODE_DEPLOY,
            {
                "application_name": "shop-app",
                "deployment_group_name": "web",
                "s3_bucket": "shop/www",
                "region": "eu-central-1",
                "local_path": "public",
            },
        ),
    ],
)
def test_a_type_keeps_its_own_fields_and_shows_them_again(browser, project, way, settings):
    address = f"/projects/{project.uuid}/settings/pipelines"
    answer = browser.post(address, typed(TESTS, deployments=[{**ON_MAIN, **TYPED, "way": way.value}]))
    assert answer.status_code == 302
    (kept,) = kept_of(project).deployments
    assert (kept.way, kept.settings, kept.commands) == (way, settings, "")
    page = browser.get(address).content.decode()
    assert f'<option value="{way}" selected>' in page
    assert 'value="public"' in page
    assert f"{way}:" in kept_text(project)


def test_several_deployments_of_one_environment_go_one_after_another(browser, project):
    rows = [{**ON_MAIN, "way": "heroku", "app": "shop"}, {**ON_MAIN, "way": "script", "commands": "./tell"}]
    assert browser.post(f"/projects/{project.uuid}/settings/pipelines", typed(deployments=rows)).status_code == 302
    assert kept_text(project).count("production:") == 1
    rows[1]["branch"] = "next"
    answer = browser.post(f"/projects/{project.uuid}/settings/pipelines", typed(deployments=rows))
    assert "production: all of its deployments need the same branch." in answer.content.decode()


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ({"way": "heroku"}, "`name` of `heroku`: it is needed"),
        ({"way": "s3", "s3_bucket": "ab"}, "`s3_bucket` of `s3`"),
        ({"way": "s3", "s3_bucket": "abc", "acl": "everybody"}, "everybody is not one of the available choices"),
        ({"way": "ftp", "commands": "x"}, "ftp is not one of the available choices"),
        ({"way": "heroku", "app": "a\x07b"}, "cannot be printed"),
    ],
)
def test_a_type_that_cannot_work_is_told_and_not_kept(browser, project, row, problem):
    answer = browser.post(
        f"/projects/{project.uuid}/settings/pipelines", typed(TESTS, deployments=[{**ON_MAIN, **row}])
    )
    assert answer.status_code == 400
    assert problem in html.unescape(answer.content.decode())
    assert not KeptPipelines.objects.exists()


def test_the_page_says_where_keys_belong_and_that_app_engine_is_a_script(browser, project):
    page = browser.get(f"/projects/{project.uuid}/settings/pipelines").content.decode()
    assert "HEROKU_API_KEY, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY" in page
    assert "Google App Engine" in page


def test_the_preview_says_what_it_comes_to(browser, project):
    page = browser.post(f"/projects/{project.uuid}/settings/pipelines/preview", typed(TESTS)).content.decode()
    assert "- npm run e2e" in page
    assert not KeptPipelines.objects.exists()


def test_an_empty_page_says_what_to_do(browser, project):
    assert "Nothing is kept" in browser.get(f"/projects/{project.uuid}/settings/pipelines").content.decode()


def test_members_without_the_right_only_read(client, member, project):
    client.force_login(member)
    page = client.get(f"/projects/{project.uuid}/settings/pipelines").content.decode()
    assert "<textarea" not in page
    assert client.post(f"/projects/{project.uuid}/settings/pipelines", typed(TESTS)).status_code == 403
