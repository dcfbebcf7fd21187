"""Tokens by which clouds know a job: verified as a cloud does, over HTTP, with nothing but the issuer's address."""

from __future__ import annotations

import json
import time
from datetime import timedelta
from urllib.request import Request, urlopen

import jwt
import pytest
from django.utils import timezone

from accounts.models import Organization
from builds.models import Job, Project, SecretsGiven, SigningKey
from builds.models.job import JobKind
from builds.services import signing_keys
from builds.services.id_tokens import CLAIMS, subject
from builds.services.run import job_spec, run
from builds.services.signing_keys import key_set, roll
from runners.contract import Stop
from tests.builds.queue import add_job, claim_now, fake_executor

pytestmark = pytest.mark.django_db
AUDIENCE = "sts.example.com"


@pytest.fixture
def ask(make_build):
    """Has a job of a build claimed that wants tokens; its JobSpec."""

    def ask(*, kind=JobKind.PIPELINE, variables=None, tokens=None, **build):
        job = add_job(make_build(**build), kind=kind)
        wanted = {"CLOUD_TOKEN": [AUDIENCE]} if tokens is None else tokens
        Job.objects.filter(pk=job.pk).update(spec={**job.spec, "id_tokens": wanted}, variables=variables or {})
        return job_spec(claim_now())

    return ask


def claims_of(token: str) -> dict:
    return jwt.decode(token, options={"verify_signature": False})


class Cloud:
    """Stands in for a cloud: it gives credentials for a token that it can verify, and whose `sub` it trusts."""

    def __init__(self, issuer: str, trusted: str) -> None:
        self.issuer, self.trusted = issuer, trusted

    def exchange(self, token: str) -> str:
        with urlopen(f"{self.issuer}/.well-known/openid-configuration", timeout=10) as answer:
            told = json.load(answer)
        assert told["issuer"] == self.issuer
        key = jwt.PyJWKClient(told["jwks_uri"], timeout=10).get_signing_key_from_jwt(token)
        needed = ["iss", "sub", "aud", "exp", "nbf", "iat", "jti"]
        found = jwt.decode(
            token,
            key.key,
            algorithms=told["id_token_signing_alg_values_supported"],
            audience=AUDIENCE,
            issuer=self.issuer,
            options={"require": needed},
        )
        if found["sub"] != self.trusted:
            raise PermissionError(found["sub"])
        return f"credentials for {found['sub']}"


@pytest.mark.django_db(transaction=True)
def test_a_cloud_gives_credentials_to_the_job_that_it_trusts_and_to_no_other(live_server, settings, ask, project):
    settings.PUBLIC_URL = live_server.url
    trusted = f"organization:{project.organization.slug}:project:shop/api:ref:refs/heads/main"
    cloud = Cloud(live_server.url, trusted)
    token = ask(ref="refs/heads/main", branch="main").secrets["CLOUD_TOKEN"]
    assert cloud.exchange(token) == f"credentials for {trusted}"
    roll()
    assert cloud.exchange(token), "a key that was replaced is told until its last token ended"

    other_branch = ask(ref="refs/heads/dev", branch="dev").secrets["CLOUD_TOKEN"]
    with pytest.raises(PermissionError, match="refs/heads/dev"):
        cloud.exchange(other_branch)
    other_audience = ask(tokens={"CLOUD_TOKEN": ["another.example.com"]}).secrets["CLOUD_TOKEN"]
    with pytest.raises(jwt.InvalidAudienceError):
        cloud.exchange(other_audience)
    head, _, signature = token.split(".")
    forged = jwt.utils.base64url_encode(json.dumps({**claims_of(token), "branch": "x"}).encode()).decode()
    with pytest.raises(jwt.InvalidSignatureError):
        cloud.exchange(f"{head}.{forged}.{signature}")
    none = jwt.encode(
        claims_of(token), None, algorithm="none", headers={"kid": jwt.get_unverified_header(token)["kid"]}
    )
    with pytest.raises(jwt.InvalidAlgorithmError):
        cloud.exchange(none)
    with urlopen(Request(f"{live_server.url}/.well-known/jwks.json", method="HEAD"), timeout=10) as answer:
        assert "max-age" in answer.headers["Cache-Control"]


def test_it_says_all_of_the_job(ask, project, settings):
    claims = claims_of(ask(ref="refs/heads/main", branch="main").secrets["CLOUD_TOKEN"])
    job = Job.objects.get()
    assert set(claims) == set(CLAIMS) - {"environment"}
    assert claims["iss"] == settings.PUBLIC_URL
    assert claims["aud"] == AUDIENCE
    assert (claims["project_id"], claims["build_id"], claims["job_id"]) == (
        str(project.uuid),
        str(job.build.uuid),
        str(job.uuid),
    )
    assert (claims["commit"], claims["runner"], claims["attempt"]) == (job.build.commit, job.owner, 1)
    assert abs(claims["iat"] - time.time()) < 60


@pytest.mark.parametrize(("minutes", "lives"), [(10, 600), (300, 3600)])
def test_it_ends_with_the_job_and_after_an_hour_at_most(ask, project, minutes, lives):
    Project.objects.filter(pk=project.pk).update(timeout_seconds=minutes * 60)
    claims = claims_of(ask().secrets["CLOUD_TOKEN"])
    assert claims["exp"] - claims["iat"] == lives


def test_only_a_deployment_is_of_an_environment(ask):
    there = {"CI_ENVIRONMENT": "production"}
    deploys = claims_of(ask(kind=JobKind.DEPLOYMENT, variables=there).secrets["CLOUD_TOKEN"])
    assert deploys["environment"] == "production"
    assert deploys["sub"].endswith(":environment:production")
    tests = claims_of(ask(variables=there).secrets["CLOUD_TOKEN"])
    assert "environment" not in tests
    assert "environment" not in tests["sub"]


def test_a_name_cannot_pretend_to_be_another_part():
    plain = subject("shop", "shop/api", "refs/heads/feature/x")
    assert plain == "organization:shop:project:shop/api:ref:refs/heads/feature/x"
    lying = subject("shop", "api:ref:refs/heads/main", "refs/heads/x", "a:b")
    assert lying == "organization:shop:project:api%3Aref%3Arefs/heads/main:ref:refs/heads/x:environment:a%3Ab"
    assert subject("shop", "a%3Ab", "r") != subject("shop", "a:b", "r")


def test_a_strangers_fork_gets_none(ask):
    spec = ask(from_fork=True)
    assert spec.secrets == {}
    assert not SecretsGiven.objects.exists()
    assert not SigningKey.objects.exists()


def test_each_variable_has_a_token_of_its_own_for_all_its_audiences(ask):
    spec = ask(tokens={"ONE": ["a"], "TWO": ["a", "b"]})
    one, two = claims_of(spec.secrets["ONE"]), claims_of(spec.secrets["TWO"])
    assert (one["aud"], two["aud"]) == ("a", ["a", "b"])
    assert one["jti"] != two["jti"]
    assert [name for name, _ in SecretsGiven.objects.get().given] == ["ONE", "TWO"]
    assert "eyJ" not in repr(spec)


@pytest.mark.django_db(transaction=True)
def test_logs_hide_it_and_a_replay_is_not_told_that_it_differs(make_build, tmp_path, settings):
    settings.DATA_DIR = tmp_path
    job = add_job(make_build(), "print-env CLOUD_TOKEN")
    Job.objects.filter(pk=job.pk).update(spec={**job.spec, "id_tokens": {"CLOUD_TOKEN": [AUDIENCE]}})
    run(claim_now(), fake_executor(tmp_path), Stop())
    job.refresh_from_db()
    assert job.status == "passed"
    assert "CLOUD_TOKEN" not in job.record["secrets"]["hashes"]
    assert "eyJ" not in json.dumps(job.record)


def test_what_signed_long_ago_is_not_told_any_more():
    first, second = roll(), roll()
    assert [key["kid"] for key in key_set()["keys"]] == [second, first]
    assert all(set(key) == {"kty", "n", "e", "kid", "use", "alg"} for key in key_set()["keys"]), "nothing private"
    long_ago = timezone.now() - timedelta(seconds=2 * signing_keys.LONGEST_SECONDS + 60)
    SigningKey.objects.filter(kid=first).update(retired_at=long_ago)
    assert [key["kid"] for key in key_set()["keys"]] == [second]
    third = roll()
    assert set(SigningKey.objects.values_list("kid", flat=True)) == {second, third}
    assert Organization.objects.count() == 0
