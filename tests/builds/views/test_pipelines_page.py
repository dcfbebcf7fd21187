"""Pipelines kept in a project's settings: what is typed, what it comes to, who may."""

from __future__ import annotations

import pytest

from accounts.models import AuditEntry
from builds.models import KeptPipelines
from builds.pipeline.basic import Kept, KeptDeployment, KeptPipeline, Match
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
