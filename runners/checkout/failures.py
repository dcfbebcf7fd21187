"""What git's complaints mean: one generic sentence for people, and whether another attempt could help.

The texts of a remote are never passed on: they come from strangers, and would make the fetch a way to read answers of
hosts inside the network. This is the one place that matches texts of git (LC_ALL=C).
"""

from __future__ import annotations

import re

from runners.errors import CheckoutError

# In this order; the first that is found counts.
_PERMANENT = [
    (
        r"Permission denied|Authentication failed|could not read (Username|Password)|"
        r"returned error: 40[13]|terminal prompts disabled",
        "The git host refused access: give the project's public key (or the host's app) read access to the repository.",
    ),
    (
        r"Host key verification failed|REMOTE HOST IDENTIFICATION HAS CHANGED",
        "The git host's key is not the one known from before: if the change is right, remove its line from known_hosts"
        " beside the mirrors.",
    ),
    (
        r"returned error: 404|[Rr]epository .*not found|not appear to be a git repository",
        "The repository was not found.",
    ),
    (
        r"returned error: 3\d\d|unable to update url base from redirection",
        "The repository's address leads to another one: give the address it leads to.",
    ),
    (r"detected dubious ownership", "The repository belongs to another user of this machine."),
    (r"transport '.*' not allowed", "The repository's address cannot be used."),
    (r"fsck error|fsck: error", "The repository holds objects that git calls damaged or dangerous."),
    (r"No space left on device|Disk quota exceeded", "The runner's disk is full."),
]
_ABSENT = re.compile(
    r"couldn't find remote ref|not our ref|no such remote ref|did not send all necessary objects", re.I
)
_BLOCKED_REF = re.compile(r"cannot lock ref|local refs could not be updated|cannot create .* exists")
_NETWORK = re.compile(
    r"returned error: (5\d\d|429|408)|Could(n't| not) (resolve|connect)|Connection (refused|reset|timed out|closed)|timed out|"
    r"Operation too slow|early EOF|RPC failed|hung up unexpectedly|unexpected disconnect|Failed to connect|"
    r"Could not read from remote|transfer closed|SSL|TLS|Empty reply|No route to host|invalid index-pack output|"
    r"unable to access",
    re.I,
)
UNREACHABLE = "The git host did not answer as it should (network or server error)."


def is_absent(text: str) -> bool:
    """Whether the ref or commit does not exist over there."""
    return bool(_ABSENT.search(text))


def is_blocked_ref(text: str) -> bool:
    """Whether an old ref of the mirror stands in a new one's way: a branch "a" where "a/b" is to be written."""
    return bool(_BLOCKED_REF.search(text))


def is_network(text: str) -> bool:
    """Whether it speaks of the network or of the server."""
    return bool(_NETWORK.search(text))


def explain(text: str) -> CheckoutError:
    """The error to raise for what git said."""
    for pattern, sentence in _PERMANENT:
        if re.search(pattern, text):
            return CheckoutError(sentence, retry=sentence.startswith("The runner"))
    if is_network(text):
        return CheckoutError(UNREACHABLE)
    return CheckoutError("git could not fetch the commit.")
