"""What is said to a host's shell. Pure text, for any POSIX `sh`: GNU, busybox and BSD.

    TO/current -> releases/12-1a2b3c4       what runs, switched by a rename
    TO/releases/12-1a2b3c4/                 a release that is there whole; `.partial-…` is one on its way in or out
    TO/shared/                              what all releases share
    TO/releases.log                         a line a switch
    TO/.ciservice/ready/12-1a2b3c4          its `before` passed here
    TO/.ciservice/live                      the last that was switched to, restarted and checked

Paths are of letters that no shell minds (`Settings`), names of releases are ours; everything else is quoted.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence

_LINK_SWITCH = "mv -fT .ciservice/next current 2>/dev/null || mv -fh .ciservice/next current"


def state(to: str) -> str:
    """Lines of a word and a name: what `scripts` leave behind; nothing is changed."""
    return f"""
cd {to} 2>/dev/null || exit 0
if [ -e current ] && [ ! -L current ]; then echo "blocked current"; fi
echo "current $(readlink current)"
echo "live $(cat .ciservice/live 2>/dev/null)"
for one in releases/*/; do echo "release $(basename "$one")"; done
for one in .ciservice/ready/*; do echo "ready $(basename "$one")"; done
"""


def receive(to: str, partial: str, name: str, shared: Sequence[str]) -> str:
    """Given a tar: unpack it aside, link what is shared, and call it by its name; from then on it is there.

    What is left of earlier attempts goes.
    """
    links = "".join(_share(to, path) for path in shared)
    return f"""
set -e
umask 022
mkdir -p {to}/releases {to}/.ciservice/ready
rm -rf {to}/releases/.partial-* {to}/.ciservice/ready/{name}
mkdir {to}/releases/{partial}
cd {to}/releases/{partial}
tar -xzf -
{links}
cd ..
mv {partial} {name}
"""


def _share(to: str, path: str) -> str:
    """A path's first content is what the release brings; else a folder is made, and a file has to be put there."""
    bare = path.rstrip("/")
    up = "../" * (2 + bare.count("/"))
    missing = f'echo "{to}/shared/{bare} is missing: put it there"; exit 1'
    made = f"mkdir -p {to}/shared/{bare}" if path.endswith("/") else missing
    return f"""
mkdir -p "$(dirname {to}/shared/{bare})" "$(dirname ./{bare})"
if [ ! -e {to}/shared/{bare} ]; then
  if [ -e ./{bare} ] && [ ! -L ./{bare} ]; then mv ./{bare} {to}/shared/{bare}; else {made}; fi
fi
rm -rf ./{bare}
ln -s {up}shared/{bare} ./{bare}
"""


def command(folder: str, text: str, variables: Mapping[str, str]) -> str:
    """Somebody's shell text in a folder, as steps are run: with `sh -e`, and these variables."""
    exports = "\n".join(f"export {variable}={shlex.quote(value)}" for variable, value in variables.items())
    return f"{exports}\ncd {folder} || exit 1\nset -e\n{text}\n"


def ready(to: str, name: str) -> str:
    """Note that its `before` passed."""
    return f"set -e\n: > {to}/.ciservice/ready/{name}\n"


def switch(to: str, link: str, note: str) -> str:
    """Make that what runs, in one rename, with a line for the log of switches."""
    return f"""
set -e
cd {to}
rm -f .ciservice/next
ln -s {shlex.quote(link)} .ciservice/next
{_LINK_SWITCH}
echo "$(date -u +%Y-%m-%dT%H:%M:%SZ) "{shlex.quote(note)} >> releases.log
"""


def unlink(to: str) -> str:
    """The first release was none: nothing runs."""
    return f"cd {to} && rm -f current\n"


def live(to: str, name: str) -> str:
    """Note that it runs and was checked."""
    return f"set -e\ncd {to}/.ciservice\necho {name} > live.next\nmv -f live.next live\n"


def prune(to: str, names: Iterable[str]) -> str:
    """Remove releases; one that is half gone is not taken for whole."""
    lines = "".join(
        f"rm -f ../.ciservice/ready/{name}\nmv {name} .partial-old-{name}\nrm -rf .partial-old-{name}\n"
        for name in names
    )
    return f"set -e\ncd {to}/releases\n{lines}"
