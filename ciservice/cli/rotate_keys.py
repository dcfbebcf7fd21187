"""`ciservice rotate-keys`: whatever the database holds sealed, sealed again with the newest key, while the service runs."""

from __future__ import annotations

import click
from django.core.management import execute_from_command_line

from ciservice.cli import instance

_ORDER = """\
Seal all secrets again with SEALING_KEY, and sign the tokens of jobs with a new key.

\b
The order, each step on every machine before the next:
  1. Make a key, and add it to OLD_SEALING_KEYS; restart: everybody can open now what it seals.
  2. Make it SEALING_KEY, and put the former into OLD_SEALING_KEYS; restart.
  3. ciservice rotate-keys            (as often as you like; a run that was killed is begun again)
  4. ciservice rotate-keys --check    ends with 0 where nothing needs an old key any more
  5. Take the old key out of OLD_SEALING_KEYS; restart.
"""


@click.command("rotate-keys", help=_ORDER)
@click.option("--check", is_flag=True, help="Change nothing: say what depends on which key.")
def rotate_keys(*, check: bool) -> None:
    """As `_ORDER` says; exit code 1 where something does not open or, with --check, still needs an old key."""
    instance.find()
    execute_from_command_line(["ciservice", "rotate_keys", *(["--check"] if check else [])])
