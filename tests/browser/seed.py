"""A realistic set of projects, builds, jobs, steps and logs, for the browser tests and for looking at the pages.

`make_everything` gives what tests need to find it again; log in as ada@example.com.
"""

from __future__ import annotations

import random
import tempfile
from datetime import datetime, timedelta
from pathlib import Path

from django.utils import timezone

from accounts.models import Membership, Organization, Role, User
from builds.logs.writer import LogWriter
from builds.models import Build, BuildMove, Job, JobMove, Project, Runner, Step, WebhookDelivery
from builds.models.build import Trigger
from builds.services.create_project import new_key_pair
from builds.states import Status

PASSWORD = "correct horse battery"
MESSAGES = [
    "Fix tax rounding for orders with mixed rates",
    "New checkout button",
    "Retry on 503 from the payment gateway",
    "Bump psycopg to 2.9.10",
    "Speed up the product search by half",
    "Say what is wrong when a coupon has expired\n\nPeople wrote to support because the form only said no.",
    "Merge branch 'release/2.4' into main",
    "Wip",
    "Translate the invoice into French, German and Japanese: 請求書",
]
PEOPLE = [("Ada Lovelace", "ada@example.com"), ("Grace Hopper", "grace@example.com"), ("Linus", "linus@example.com")]

PYTEST = b"""\x1b[1m============================= test session starts ==============================\x1b[0m
platform linux -- Python 3.11.2, pytest-8.4.1, pluggy-1.6.0
rootdir: /checkout
configfile: pyproject.toml
plugins: xdist-3.7.0, django-4.11.1
collected 214 items

tests/test_cart.py \x1b[32m.\x1b[0m\x1b[32m.\x1b[0m\x1b[32m.\x1b[0m\x1b[32m................................\x1b[0m              \x1b[32m[ 16%]\x1b[0m
tests/test_checkout.py \x1b[32m.......................................\x1b[0m       \x1b[32m[ 34%]\x1b[0m
tests/test_tax.py \x1b[32m......\x1b[0m\x1b[31mF\x1b[0m\x1b[32m..\x1b[0m\x1b[31mF\x1b[0m\x1b[32m.........................\x1b[0m         \x1b[31m[ 51%]\x1b[0m

=================================== FAILURES ===================================
\x1b[31m\x1b[1m______________________________ test_rounding[AT-20] ______________________________\x1b[0m

    \x1b[94mdef\x1b[39;49;00m \x1b[92mtest_rounding\x1b[39;49;00m(rate):
>       \x1b[94massert\x1b[39;49;00m tax(\x1b[94m1999\x1b[39;49;00m, rate) == \x1b[94m400\x1b[39;49;00m
\x1b[1m\x1b[31mE       assert 399 == 400\x1b[0m
\x1b[1m\x1b[31mE        +  where 399 = tax(1999, 20)\x1b[0m

\x1b[1m\x1b[31mtests/test_tax.py\x1b[0m:41: AssertionError
\x1b[36m\x1b[1m=========================== short test summary info ============================\x1b[0m
\x1b[31mFAILED\x1b[0m tests/test_tax.py::\x1b[1mtest_rounding[AT-20]\x1b[0m - assert 399 == 400
\x1b[31mFAILED\x1b[0m tests/test_tax.py::\x1b[1mtest_rounding[FR-5.5]\x1b[0m - assert 109 == 110
\x1b[31m======================== \x1b[31m\x1b[1m2 failed\x1b[0m, \x1b[32m212 passed\x1b[0m\x1b[31m in 64.02s\x1b[0m\x1b[31m =========================\x1b[0m
See https://docs.example.com/tax?rate=20#rounding for the rules.
"""  # noqa: E501
INSTALL = b"""\x1b[34mInfo\x1b[0m Using \x1b[1mpython 3.11\x1b[0m from the image
Collecting django==5.2.4
  Downloading Django-5.2.4-py3-none-any.whl (8.3 MB)
\r     0%\r    25%\r    50%\r    75%\r   100% 8.3/8.3 MB 41.2 MB/s
warning: pip is an old version
Successfully installed asgiref-3.8.1 django-5.2.4 sqlparse-0.5.3
"""


def write_log(step: Step, data: bytes) -> None:
    """Store `data` as the whole log of `step`, as a runner would."""
    with tempfile.TemporaryDirectory(prefix="ci-seed-") as folder:
        writer = LogWriter(step, guard=lambda: None, spool_dir=Path(folder), cap_bytes=1024**3)
        writer.write(data)
        writer.close()


def make_people() -> tuple[User, Organization]:
    """Ada, who owns the organisation Shop and is a contributor of Studio Nord."""
    ada = User.objects.create_user("ada@example.com", PASSWORD, name="Ada Lovelace")
    shop = Organization.objects.create(name="Shop", slug="shop")
    Membership.objects.create(user=ada, organization=shop, role=Role.OWNER)
    other = Organization.objects.create(name="Studio Nord", slug="studio-nord")
    Membership.objects.create(user=ada, organization=other, role=Role.CONTRIBUTOR)
    make_project(other, "nord/site")
    return ada, shop


def make_project(organization: Organization, name: str, **fields: object) -> Project:
    """A project with a key of its own."""
    private, public = new_key_pair(f"ciservice {name}")
    values = {"repository_url": f"https://git.example.com/{name}.git", **fields}
    return Project.objects.create(
        organization=organization, name=name, ssh_private_key=private, ssh_public_key=public, **values
    )


def make_build(project: Project, status: str, *, at: datetime, seconds: float = 60, **fields: object) -> Build:
    """A build that was pushed at `at`, waited two seconds and took `seconds`."""
    project.last_build_number += 1
    project.save(update_fields=["last_build_number"])
    chance = random.Random(f"{project.name} {project.last_build_number}")
    author, email = chance.choice(PEOPLE)
    values = {
        "branch": project.default_branch,
        "commit": f"{chance.getrandbits(160):040x}",
        "message": chance.choice(MESSAGES),
        "author_name": author,
        "author_email": email,
        **fields,
    }
    values.setdefault("ref", f"refs/heads/{values['branch']}")
    build = Build.objects.create(project=project, number=project.last_build_number, status=status, **values)
    started = None if status in {Status.QUEUED, Status.SKIPPED} else at + timedelta(seconds=2)
    ended = None if not build.is_final else (started or at) + timedelta(seconds=seconds)
    Build.objects.filter(pk=build.pk).update(created_at=at, started_at=started, finished_at=ended)
    build.refresh_from_db()
    return build


def make_job(build: Build, name: str, status: str, **fields: object) -> Job:
    """A job that began and ended with its build."""
    times = {"started_at": build.started_at, "finished_at": build.finished_at}
    spec = {"name": name, "steps": [{"name": "unit", "script": "pytest -q"}, {"name": "deploy", "script": "./deploy"}]}
    values = {**times, "attempt": 1, "owner": "runner-1", "spec": spec, **fields}
    return Job.objects.create(build=build, organization=build.project.organization, name=name, status=status, **values)


def make_step(job: Job, path: str, name: str, status: str, *, since: float, seconds: float, **fields: object) -> Step:
    """A step that began `since` seconds after its job."""
    began = job.started_at + timedelta(seconds=since) if status not in {Status.QUEUED, Status.SKIPPED} else None
    ended = began + timedelta(seconds=seconds) if began and status != Status.RUNNING else None
    position = Step.objects.filter(job=job).count()
    values = {"attempt": job.attempt, "started_at": began, "finished_at": ended, "command": f"./{name}", **fields}
    return Step.objects.create(job=job, path=path, name=name, status=status, position=position, **values)


def failed_build(project: Project, at: datetime) -> Build:
    """Three jobs: tests that fail in parallel groups, lint that passed, one that lost its runner once."""
    build = make_build(
        project,
        Status.FAILED,
        at=at,
        seconds=134,
        message="Fix tax rounding for orders with mixed rates\n\nSee the ticket.",
        plan={
            "warnings": [
                {
                    "text": "unknown key `comand` is ignored: did you mean `command`?",
                    "file": "codeship-steps.yml",
                    "line": 7,
                }
            ]
        },
    )
    test = make_job(build, "test", Status.FAILED, position=0)
    install = make_step(
        test, "0", "install", Status.PASSED, since=3, seconds=21, exit_code=0, command="pip install -r requirements.txt"
    )
    make_step(test, "1", "checks", Status.FAILED, since=24, seconds=95, kind="parallel", command="")
    unit = make_step(
        test,
        "1.0",
        "unit",
        Status.FAILED,
        since=24,
        seconds=80,
        exit_code=1,
        failure="exit_code",
        command="pytest -q\ncoverage report",
    )
    make_step(test, "1.1", "browser", Status.PASSED, since=24, seconds=95, exit_code=0)
    make_step(test, "2", "deploy", Status.SKIPPED, since=0, seconds=0, reason="A step before it failed.")
    lint = make_job(build, "lint", Status.PASSED, position=1, finished_at=build.started_at + timedelta(seconds=31))
    ruff = make_step(lint, "0", "ruff", Status.PASSED, since=2, seconds=29, exit_code=0)
    package = make_job(build, "package", Status.PASSED, position=2, attempt=2, epoch=3)
    make_step(
        package,
        "0",
        "wheel",
        Status.ERRORED,
        since=1,
        seconds=20,
        attempt=1,
        reason="Its runner was lost.",
        failure="runner_lost",
    )
    make_step(package, "0", "wheel", Status.PASSED, since=70, seconds=40, attempt=2, exit_code=0)
    JobMove.objects.create(
        job=package,
        came_from="running",
        went_to="queued",
        attempt=1,
        epoch=1,
        who="reaper",
        reason="runner lost: no sign of life for 60 s",
    )
    write_log(install, INSTALL)
    write_log(unit, PYTEST)
    write_log(ruff, b"All checks passed!\n")
    return build


def running_build(project: Project, lines: int = 400) -> Build:
    """One job whose second step runs and has printed some lines."""
    build = make_build(project, Status.RUNNING, at=timezone.now() - timedelta(seconds=43), message="Retry on 503")
    job = make_job(build, "test", Status.RUNNING)
    first = make_step(job, "0", "install", Status.PASSED, since=2, seconds=9, exit_code=0)
    make_step(job, "1", "unit", Status.RUNNING, since=11, seconds=0)
    make_step(job, "2", "deploy", Status.QUEUED, since=0, seconds=0)
    write_log(first, b"".join(b"line %d of the installation\n" % number for number in range(lines)))
    return build


def fill(project: Project, count: int, *, fail_every: int = 9, newest: str = Status.PASSED) -> None:
    """`count` builds over the last days, the newest an hour ago."""
    now = timezone.now()
    chance = random.Random(project.name)
    base = chance.uniform(40, 160)
    for age in range(count, 0, -1):
        status = Status.FAILED if age % fail_every == 0 else chance.choice([Status.PASSED] * 12 + [Status.CANCELLED])
        status = newest if age == 1 else status
        branch = project.default_branch if chance.random() < 0.7 or age == 1 else "feature/checkout-button"
        seconds = base * chance.uniform(0.8, 1.4)
        make_build(project, status, at=now - timedelta(hours=age * 2.5 - 1.5), seconds=seconds, branch=branch)


def make_everything() -> dict[str, object]:
    """All of it; gives what tests need to find it again."""
    ada, shop = make_people()
    now = timezone.now()
    Runner.objects.create(
        name="runner-1",
        labels=["linux"],
        capacity=4,
        executor="process",
        version="0.1.0",
        started_at=now,
        seen_at=now,
        note="Steps run on this machine without containers, because no Docker engine answers: for trying out only.",
    )
    api, web = (
        make_project(shop, "shop/api"),
        make_project(shop, "shop/web", provider="github", repository_url="https://github.com/shop/web.git"),
    )
    worker, docs = make_project(shop, "shop/worker"), make_project(shop, "shop/docs")
    empty = make_project(shop, "shop/a-name-that-is-so-long-that-no-phone-can-show-all-of-it-in-one-line")
    fill(api, 38)
    fill(web, 44, fail_every=40)
    fill(docs, 7, fail_every=50)
    fill(worker, 12, fail_every=50)
    failed = failed_build(api, now - timedelta(minutes=9))
    running = running_build(worker)
    waiting = make_build(docs, Status.QUEUED, at=now - timedelta(seconds=20), planned_at=now)
    make_job(waiting, "test", Status.QUEUED, labels="gpu", attempt=0, owner="", started_at=None)
    cancelled = make_build(
        web,
        Status.CANCELLED,
        at=now - timedelta(minutes=30),
        seconds=12,
        branch="feature/x",
        trigger=Trigger.MANUAL,
        requested_by=ada,
        reason="A newer push to feature/x came.",
    )
    BuildMove.objects.create(
        build=cancelled, came_from="running", went_to="cancelled", who="grace@example.com", reason=cancelled.reason
    )
    WebhookDelivery.objects.create(
        project=api, provider="generic", delivery_id="1", event="push", outcome="built", build=failed
    )
    WebhookDelivery.objects.create(
        project=api,
        provider="generic",
        delivery_id="2",
        event="push",
        outcome="refused",
        reason="The signature is wrong: the secret there is not the one here.",
    )
    return {
        "user": ada,
        "api": api,
        "empty": empty,
        "failed": failed,
        "running": running,
        "waiting": waiting,
        "cancelled": cancelled,
    }


def big_log(project: Project, lines: int) -> Step:
    """A passed build with one step of so many lines."""
    build = make_build(project, Status.PASSED, at=timezone.now() - timedelta(minutes=50), seconds=300)
    step = make_step(
        make_job(build, "test", Status.PASSED), "0", "noise", Status.PASSED, since=1, seconds=298, exit_code=0
    )
    write_log(
        step,
        b"".join(
            b"%07d the quick brown fox \x1b[3%dmjumps\x1b[0m over the lazy dog\n" % (n, n % 8)
            for n in range(1, lines + 1)
        ),
    )
    return step
