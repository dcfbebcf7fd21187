"""Commits on this machine: bare mirrors of repositories, and self-contained checkouts made from them."""

from runners.checkout.changes import changed_paths
from runners.checkout.layout import check_out, lay_out
from runners.checkout.mirror import fetch
from runners.checkout.policy import GitLimits, GitPolicy
from runners.checkout.read import CommitFacts, commit_facts, read_files

__all__ = [
    "CommitFacts",
    "GitLimits",
    "GitPolicy",
    "changed_paths",
    "check_out",
    "commit_facts",
    "fetch",
    "lay_out",
    "read_files",
]
