"""What every git host does for us, in plain values; `builds.providers.make.host_of` gives the one for a connection.

Every call blocks for a bounded time (15 s a request) and raises nothing but errors of `builds.providers.errors`. All
that make or remove something may be called again: they find what is there and leave one of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol


class State(StrEnum):
    """What a commit status can say; each host has its own words, and fewer of them."""

    PENDING = "pending"
    RUNNING = "running"
    PASSED = "passed"
    FAILED = "failed"
    ERRORED = "errored"
    CANCELLED = "cancelled"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Access:
    """The way in: a token, or GitHub's App. What is secret is in no `repr`."""

    provider: str
    url: str  # of the host, as people type it: https://gitlab.com; with the workspace for Bitbucket Cloud
    token: str = field(default="", repr=False)
    app_id: str = ""
    app_key: str = field(default="", repr=False)  # PEM
    installation_id: str = ""


@dataclass(frozen=True)
class Account:
    """Who the host takes us for."""

    name: str
    expires_at: datetime | None = None  # of the token, where the host tells


@dataclass(frozen=True)
class Ref:
    """A repository as we know it: the host's own id, which stays, and its name, which may change."""

    id: str
    name: str  # owner/name


@dataclass(frozen=True)
class Repository:
    """A repository as the host tells of it now."""

    id: str
    name: str  # owner/name; of GitLab with all groups
    web_url: str
    ssh_url: str
    https_url: str
    default_branch: str = "main"
    is_private: bool = True

    @property
    def ref(self) -> Ref:
        """What the other calls take."""
        return Ref(self.id, self.name)

    @property
    def clone_url(self) -> str:
        """Where builds fetch it: by the deploy key where it is private, by anybody's way where it is not."""
        return self.ssh_url if self.is_private or not self.https_url else self.https_url


@dataclass(frozen=True)
class RepositoryPage:
    """Some of the repositories that the token may manage."""

    repositories: tuple[Repository, ...]
    has_more: bool


@dataclass(frozen=True)
class Hook:
    """A webhook to us, for pushes, tags and pull requests."""

    url: str
    secret: str = field(repr=False)


@dataclass(frozen=True)
class DeployKey:
    """A public key that may read one repository."""

    title: str
    text: str  # as OpenSSH writes it, with or without a comment


@dataclass(frozen=True)
class CommitStatus:
    """What is to be shown beside a commit."""

    commit: str
    state: State
    context: str  # one line at the host for each
    description: str
    url: str


@dataclass(frozen=True)
class PullRequest:
    """A pull or merge request, as it stands now."""

    number: int
    head_commit: str
    head_repository: str  # owner/name; "" = it was deleted
    author: str
    from_fork: bool
    is_closed: bool


class GitHost(Protocol):
    """One git host, with one way in."""

    def whoami(self) -> Account:
        """Who we are there; an error where the token does not do, also where it lacks what we shall need."""

    def repositories(self, search: str, page: int) -> RepositoryPage:
        """Repositories that the token may manage, `page` from 1; `search` is a part of the name, "" = all."""

    def repository(self, ref: Ref) -> Repository:
        """The repository of that id, whatever it is called now; Missing where there is none."""

    def make_hook(self, ref: Ref, hook: Hook) -> str:
        """Make the hook, or bring the one with its address up to date; its id."""

    def find_hook(self, ref: Ref, url: str) -> str:
        """The id of an active hook to `url`; "" = there is none."""

    def remove_hook(self, ref: Ref, hook_id: str) -> None:
        """Remove it; gone already is fine."""

    def add_deploy_key(self, ref: Ref, key: DeployKey) -> str:
        """Let the key read, or find that it may already; its id."""

    def find_deploy_key(self, ref: Ref, text: str) -> str:
        """The id of that key at the repository; "" = it is not there."""

    def remove_deploy_key(self, ref: Ref, key_id: str) -> None:
        """Remove it; gone already is fine."""

    def set_status(self, ref: Ref, status: CommitStatus) -> None:
        """Show the status beside its commit, instead of the one before it with the same context."""

    def pull_request(self, ref: Ref, number: int) -> PullRequest:
        """The pull or merge request of that number."""


def same_key(one: str, other: str) -> bool:
    """Whether two public keys are the same one, whatever their comments."""
    return one.split()[:2] == other.split()[:2]


def shortened(text: str, limit: int) -> str:
    """`text`, or its beginning and an ellipsis."""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"
