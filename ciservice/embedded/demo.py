"""The administrator and the demo project of an embedded instance: made once, found again at every later start."""

from __future__ import annotations

import http.client
import json
import secrets
import shutil
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from django.db import transaction

from accounts.models import Organization, User
from accounts.services.create_organization import create_organization
from accounts.services.tokens import make_token, user_of_token
from builds.models import Project
from builds.services.create_project import create_project
from ciservice.embedded.place import CannotStart, Place, write_private
from notifications.models import Channel, Event
from notifications.services.addressees import APPROVERS, COMMITTER
from notifications.services.default_rules import DEFAULT_EVENTS, tell

EMAIL = "admin@example.com"
TEMPLATE = Path(__file__).parent / "demo_repository"
HOOK = Path(__file__).parents[2] / "builds" / "webhooks" / "post-receive"
GIT_SECONDS = 60
WEB_SECONDS = 60


@dataclass(frozen=True, kw_only=True)
class Demo:
    """What a newcomer is handed."""

    place: Place
    credentials: dict[str, object]
    repository: Path
    clone: Path

    def hand_over(self, say: Callable[[str], None]) -> None:
        """Once the web answers: push the first commit, write the credentials, and say where to look.

        In this order, so that whoever waits for the file can push at once.
        """
        if not _answers(self.place):
            raise CannotStart(f"{self.place.url} does not answer after {WEB_SECONDS} s; the lines above say why")
        if not _git(self.repository, "for-each-ref", "--count=1"):
            _git(self.clone, "push", "-q", "origin", "main")
        write_private(self.place.credentials, self.credentials)
        self.place.last_credentials.unlink(missing_ok=True)
        say(_banner(self))


def make(place: Place) -> Demo:
    """The administrator, the organisation, the demo project and its repository: found, or made."""
    known = _known(place)
    with transaction.atomic():
        user, password = _administrator(known)
        organization = user.organizations.order_by("id").first() or create_organization("Demo", user)
        project = organization.projects.order_by("id").first() or _project(place, organization, user)
        token = str(known.get("api_token", ""))
        if user_of_token(token) != user:
            _, token = make_token(user, "made by ciservice up")
    repository = place.data_dir / "demo" / "repository.git"
    clone = place.data_dir / "demo" / "clone"
    hook_url = f"{place.url}/hooks/generic/{project.uuid}"
    _repository(repository, hook_url, project.hook_secret)
    _clone(repository, clone)
    credentials: dict[str, object] = {
        "url": place.url,
        "email": user.email,
        "password": password,
        "api_token": token,
        "organization_uuid": str(organization.uuid),
        "demo": {
            "project_uuid": str(project.uuid),
            "repository": str(repository),
            "clone": str(clone),
            "hook_url": hook_url,
        },
    }
    return Demo(place=place, credentials=credentials, repository=repository, clone=clone)


def _known(place: Place) -> dict[str, object]:
    """What the last run handed over."""
    try:
        known: dict[str, object] = json.loads(place.last_credentials.read_text())
    except (OSError, ValueError):
        return {}
    return known


def _administrator(known: dict[str, object]) -> tuple[User, str]:
    """The administrator, and the password where we know it: a password that was changed since is not ours to tell."""
    user = User.objects.filter(is_superuser=True).order_by("id").first()
    if user is None:
        password = secrets.token_urlsafe(12)
        return User.objects.create_superuser(EMAIL, password, name="Administrator"), password
    password = str(known.get("password", ""))
    if user.check_password(password):
        return user, password
    if not known:
        # The file is gone: whoever can delete it owns this instance, and needs a way in.
        password = secrets.token_urlsafe(12)
        user.set_password(password)
        user.save(update_fields=["password"])
        return user, password
    return user, "(changed since)"


def _project(place: Place, organization: Organization, user: User) -> Project:
    url = str(place.data_dir / "demo" / "repository.git")
    project = create_project(organization, name="demo/hello", repository_url=url, who=user)
    tell(project, channel=Channel.EMAIL, target=COMMITTER, events=(*DEFAULT_EVENTS, Event.DEPLOYED))
    tell(project, channel=Channel.EMAIL, target=APPROVERS, events=(Event.APPROVAL,))
    return project


def _repository(repository: Path, hook_url: str, secret: str) -> None:
    """The bare repository, with the hook that tells this instance of every push."""
    if not (repository / "HEAD").exists():
        repository.mkdir(parents=True, exist_ok=True)
        _git(repository, "init", "-q", "--bare", "-b", "main", ".")
    hook = repository / "hooks" / "post-receive"
    hook.parent.mkdir(exist_ok=True)
    shutil.copyfile(HOOK, hook)
    hook.chmod(0o755)
    _git(repository, "config", "ciservice.url", hook_url)
    _git(repository, "config", "ciservice.secret", secret)
    (repository / "config").chmod(0o600)


def _clone(repository: Path, clone: Path) -> None:
    """The working copy with a first commit, ready to be pushed."""
    if (clone / ".git").exists():
        return
    shutil.copytree(TEMPLATE, clone, dirs_exist_ok=True)
    for script in clone.glob("*.sh"):
        script.chmod(0o755)
    _git(clone, "init", "-q", "-b", "main", ".")
    _git(clone, "remote", "add", "origin", str(repository))
    for name, value in {"remote": "origin", "merge": "refs/heads/main"}.items():
        _git(clone, "config", f"branch.main.{name}", value)
    # A newcomer's machine may know no identity for git; without one `git commit` refuses.
    _git(clone, "config", "user.name", "Demo Person")
    _git(clone, "config", "user.email", EMAIL)
    _git(clone, "add", "-A")
    _git(clone, "commit", "-q", "-m", "Say hello")


def _git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", "-c", "core.fsmonitor=false", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=GIT_SECONDS,
    )
    if done.returncode:
        raise CannotStart(f"git {arguments[0]} in {folder}: {done.stderr.strip() or 'failed'}")
    return done.stdout


def _answers(place: Place) -> bool:
    address = urlsplit(place.url)
    deadline = time.monotonic() + WEB_SECONDS
    while time.monotonic() < deadline:
        connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=5)
        try:
            connection.request("GET", "/healthz")
            if connection.getresponse().status == 200:
                return True
        except OSError:
            time.sleep(0.05)
        finally:
            connection.close()
    return False


def _banner(demo: Demo) -> str:
    told = demo.credentials
    return "\n".join(
        [
            "",
            f"  ciservice is up:  {told['url']}",
            f"  log in as         {told['email']}  {told['password']}",
            f"  (kept in          {demo.place.credentials})",
            "",
            "  Push something and watch it run:",
            f"    cd {demo.clone}",
            "    echo hello >> README.md && git commit -qam 'Try it' && git push",
            "",
            f"  main deploys to   {demo.place.data_dir / 'deployed'}",
            f"  mail lands in     {demo.place.data_dir / 'mail'}",
            f"  what was sent     {told['url']}/sent, with a hook to try",
            "  Ctrl-C stops everything.",
            "",
        ]
    )
