"""T53: secrets of every scope and kind through a whole run; afterwards none is in a row, file, key, log, page or answer.

Every value is a canary of its own. Sealed forms are all that may be left.
"""

from __future__ import annotations

import logging
import secrets as random
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.utils import decrypt, encrypt
from django.conf import settings as django_settings
from django.core.mail import send_mail
from django.test import Client
from django.urls import reverse

from accounts.services.tokens import make_token
from builds.logs import live
from builds.logs.read import raw
from builds.models import Connection, Job, Project, ProjectKey, SecretKind, SigningKey
from builds.models.job import JobKind
from builds.services.run import job_spec, run
from builds.services.secrets import Place, delete_secret, put_secret
from builds.services.signing_keys import roll
from notifications.models import Rule
from runners.contract import Stop
from runners.encryption import new_key
from runners.executors import make_executor
from runners.executors.config import ExecutorSettings
from tests.builds.queue import add_job, claim_now, fake_executor
from tests.faults.canary import files, found, keys, rows

pytestmark = pytest.mark.django_db(transaction=True)
SAY = 'env; cat "$FILE"; echo "$OF_PROJECT" | tr a-z A-Z > /dev/null; echo "$OF_PROJECT" > kept; exit 3'


@dataclass
class Canaries:
    """Values that nobody else has, by what they are."""

    values: dict[str, str] = field(default_factory=dict)

    def __call__(self, what: str) -> str:
        return self.values.setdefault(what, f"canary-{random.token_hex(16)}")


@pytest.fixture
def canary() -> Canaries:
    return Canaries()


@pytest.fixture
def kept(canary, project, organization, owner, settings):
    """One of everything that is secret."""
    put_secret(Place(organization), "OF_ORGANIZATION", canary("organisation"), who=owner)
    put_secret(Place(project), "OF_PROJECT", canary("project"), who=owner)
    put_secret(Place(project, branch="m*"), "OF_BRANCH", canary("branch"), who=owner)
    put_secret(Place(project, "production"), "OF_ENVIRONMENT", canary("environment"), who=owner)
    text = "\n".join(["-----BEGIN-----", canary("file, line 1"), canary("file, line 2"), ""])
    put_secret(Place(project), "FILE", text, who=owner, kind=SecretKind.FILE)
    put_secret(Place(project), "GONE", canary("removed"), who=owner)
    delete_secret(Place(project), "GONE", who=owner)
    deploy_key, hook = canary("deploy key"), canary("hook secret")
    Project.objects.filter(pk=project.pk).update(hook_secret=hook, ssh_private_key=deploy_key)
    canary.values["project's key"] = key = new_key().text
    ProjectKey.objects.create(project=project, text=key)
    tokens = {"token": canary("connection"), "app_key": canary("app's key")}
    Connection.objects.create(organization=organization, provider="gitlab", url="https://git.example.com", **tokens)
    target = f"https://hooks.example.com/{canary('chat hook')}"
    Rule.objects.create(project=project, events=["failed"], channel="slack", target=target)
    Authenticator.objects.create(user=owner, type="totp", data={"secret": encrypt(canary("second factor"))})
    settings.EMAIL_HOST_PASSWORD = canary("mail server")
    roll()
    canary.values["signing key"] = SigningKey.objects.get().private.splitlines()[5]


@pytest.fixture
def log():
    """Every record of every logger, as text."""
    lines: list[str] = []

    class Keeping(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(logging.Formatter("%(message)s").format(record) + repr(record.__dict__))

    handler, root = Keeping(), logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield lines
    root.removeHandler(handler)
    root.setLevel(before)


def run_jobs(make_build, folder: Path) -> tuple[list[str], list[Job]]:
    """A job that shows all it has, a deployment, and one at which the runner breaks: what reprs say, and the jobs."""
    executor = make_executor(ExecutorSettings(name="process", data_dir=folder, allow_local_repositories=True))
    executor.open()
    said, jobs = [], []
    for kind, script, runs_on in (
        (JobKind.PIPELINE, "print-env OF_PROJECT\nread /secrets/FILE\nprint-env CLOUD\nexit 3", fake_executor(folder)),
        (JobKind.DEPLOYMENT, "print-env OF_ENVIRONMENT\nread /secrets/FILE", fake_executor(folder)),
        (JobKind.PIPELINE, "crash", fake_executor(folder)),
        (JobKind.PIPELINE, SAY, executor),
    ):
        job = add_job(make_build(branch="main"), script, kind=kind)
        Job.objects.filter(pk=job.pk).update(
            spec={**job.spec, "id_tokens": {"CLOUD": ["sts.example.com"]}},
            variables={"CI_ENVIRONMENT": "production"} if kind == JobKind.DEPLOYMENT else {},
        )
        claim = claim_now()
        said.append(repr(job_spec(claim)))
        run(claim, runs_on, Stop())
        jobs.append(job)
    executor.close()
    return said, jobs


def answers(owner, project, organization, jobs: list[Job]) -> dict[str, bytes]:
    """What pages and API say of it all to who may see the most."""
    page, api = Client(), Client()
    page.force_login(owner)
    api.defaults["HTTP_AUTHORIZATION"] = f"Bearer {make_token(owner, 'of the test')[1]}"
    its = f"/v2/organizations/{organization.uuid}"
    builds = [f"{its}/projects/{project.uuid}/builds/{job.build.uuid}" for job in jobs]
    asked = {
        page: [
            reverse("project_settings", args=[project.uuid]),
            reverse("project_setup", args=[project.uuid]),
            reverse("secrets_given", args=[project.uuid]),
            reverse("organization_secrets", args=[organization.uuid]),
            reverse("notifications", args=[project.uuid]),
            *(reverse("build", args=[project.uuid, job.build.number]) for job in jobs),
            *(reverse("build_again", args=[project.uuid, job.build.number]) for job in jobs),
        ],
        api: [
            f"{its}/secrets",
            f"{its}/secrets-report",
            f"{its}/projects",
            f"{its}/projects/{project.uuid}/secrets",
            f"{its}/projects/{project.uuid}/secrets-given",
            f"{its}/projects/{project.uuid}/secrets-given/jobs",
            *(f"{build}{part}" for build in builds for part in ("", "/record", "/plan", "/steps", "/artifacts")),
        ],
    }
    found = {address: client.get(address) for client, addresses in asked.items() for address in addresses}
    bad = {address: answer.status_code for address, answer in found.items() if answer.status_code not in {200, 404}}
    assert not bad
    return {address: b"".join(answer) if answer.streaming else answer.content for address, answer in found.items()}


def test_after_a_whole_run_no_secret_is_told_anywhere(
    kept, canary, owner, project, organization, make_build, tmp_path, settings, log
):
    settings.DATA_DIR = tmp_path
    said, jobs = run_jobs(make_build, tmp_path)
    send_mail("To nobody", "in particular", None, ["nobody@example.com"])
    logs = {f"log of {job.pk}, step {step.path}": b"".join(raw(step)) for job in jobs for step in job.steps.all()}
    shown = b"".join(logs.values())
    assert shown.count(b"[hidden]") >= 5, "the jobs had them, and showed them"
    assert b"eyJ" not in shown, "nor a token"
    told = answers(owner, project, organization, jobs)
    places = [
        *rows(),
        *files(tmp_path),
        *files(Path(django_settings.STORAGES["default"]["OPTIONS"]["location"])),
        *keys(django_settings.REDIS_URL),
        *((name, text) for name, text in {**logs, **told}.items()),
        *((f"line {number} of the service's log", line.encode()) for number, line in enumerate(log)),
        *((f"repr {number}", text.encode()) for number, text in enumerate(said)),
    ]
    live.disconnect()
    leaks = {what: where for what, value in canary.values.items() if (where := found(value, places))}
    assert not leaks
    assert len(canary.values) == 16
    assert decrypt(Authenticator.objects.get().data["secret"]) == canary("second factor")
