"""The page of a commit at each git host, and none where nobody knows one."""

from __future__ import annotations

import pytest

from builds.commit_address import commit_address

COMMIT = "a" * 40


@pytest.mark.parametrize(
    ("provider", "url", "page"),
    [
        ("github", "https://github.com/shop/api.git", "https://github.com/shop/api/commit/"),
        ("github", "git@github.com:shop/api.git", "https://github.com/shop/api/commit/"),
        ("github", "ssh://git@github.example.com:2222/shop/api", "https://github.example.com/shop/api/commit/"),
        ("gitlab", "https://gitlab.example.com:8443/a/b/c.git", "https://gitlab.example.com:8443/a/b/c/-/commit/"),
        ("bitbucket", "git@bitbucket.org:shop/api.git", "https://bitbucket.org/shop/api/commits/"),
        ("gitea", "http://git.example.com/shop/api", "http://git.example.com/shop/api/commit/"),
        ("generic", "https://git.example.com/shop/api.git", ""),
        ("github", "/srv/git/api.git", ""),
        ("github", "javascript://github.com/%0aalert(1)", ""),
    ],
)
def test_the_page_of_a_commit(make_build, project, provider, url, page):
    project.provider, project.repository_url = provider, url
    assert commit_address(make_build(commit=COMMIT)) == (page + COMMIT if page else "")


def test_what_is_no_commit_has_no_page(make_build, project):
    project.provider, project.repository_url = "github", "https://github.com/shop/api.git"
    assert commit_address(make_build(commit="")) == ""
