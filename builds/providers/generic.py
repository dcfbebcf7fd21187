"""Any git server: nothing to call, so nothing is listed, made or reported."""

from __future__ import annotations

from builds.providers.contract import (
    Account,
    CommitStatus,
    DeployKey,
    Hook,
    PullRequest,
    Ref,
    Repository,
    RepositoryPage,
)
from builds.providers.errors import Refused

_SENTENCE = "A plain git server has no API: add the hook and the key there by hand."


class Generic:
    """See `GitHost`."""

    def whoami(self) -> Account:
        """Nobody."""
        raise Refused(_SENTENCE)

    def repositories(self, search: str, page: int) -> RepositoryPage:
        """None."""
        return RepositoryPage((), has_more=False)

    def repository(self, ref: Ref) -> Repository:
        """Not known."""
        raise Refused(_SENTENCE)

    def make_hook(self, ref: Ref, hook: Hook) -> str:
        """By hand."""
        raise Refused(_SENTENCE)

    def find_hook(self, ref: Ref, url: str) -> str:
        """Not known."""
        raise Refused(_SENTENCE)

    def remove_hook(self, ref: Ref, hook_id: str) -> None:
        """There is none of ours."""

    def add_deploy_key(self, ref: Ref, key: DeployKey) -> str:
        """By hand."""
        raise Refused(_SENTENCE)

    def find_deploy_key(self, ref: Ref, text: str) -> str:
        """Not known."""
        raise Refused(_SENTENCE)

    def remove_deploy_key(self, ref: Ref, key_id: str) -> None:
        """There is none of ours."""

    def set_status(self, ref: Ref, status: CommitStatus) -> None:
        """Nobody looks."""

    def pull_request(self, ref: Ref, number: int) -> PullRequest:
        """Not known."""
        raise Refused(_SENTENCE)
