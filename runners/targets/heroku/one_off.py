"""A command in a one-off dyno: its output, and how it ended. Heroku calls the way to it rendezvous."""

from __future__ import annotations

import re
import ssl
from typing import Any
from urllib.parse import urlsplit

from runners.targets.contract import Delivery, TargetError, Tell
from runners.targets.heroku.api import Api
from runners.targets.heroku.lines import Lines
from runners.targets.reach import connect
from runners.targets.waiting import Patience

# A dyno's status is not told by the API: the command's shell says it, as `heroku run --exit-code` has it.
_SAY = '; echo "\uffff heroku-command-exit-status: $?"'
_SAID = re.compile("\uffff heroku-command-exit-status: ([0-9]+)")
_GREETING = "rendezvous"
_SPARE_SECONDS = 60


def run_command(api: Api, app: str, command: str, delivery: Delivery, patience: Patience, tell: Tell) -> None:
    """Run it with the app's newest release; TargetError where it ends with another status than 0."""
    tell(f"$ {command}")
    dyno = api.post(
        f"{app}/dynos",
        {
            "command": command.rstrip("; \n") + _SAY,
            "attach": True,
            "force_no_tty": True,
            "time_to_live": int(patience.left) + _SPARE_SECONDS,
        },
    )
    status = _attached(dyno, delivery, patience, tell)
    if status is None:
        raise TargetError(
            f"The connection to the dyno ended before `{command}` said how it ended: look at the app's log."
        )
    if status:
        raise TargetError(f"`{command}` ended with {status}.")


def _attached(dyno: dict[str, Any], delivery: Delivery, patience: Patience, tell: Tell) -> int | None:
    address = urlsplit(str(dyno.get("attach_url") or ""))
    if address.scheme != "rendezvous" or not address.hostname:
        raise TargetError(
            "`post_deploy` works for apps of the common runtime only: dynos in private spaces are reached by SSH."
            " Use a step with `heroku run --exit-code` instead."
        )
    secret = address.path.removeprefix("/") + (f"?{address.query}" if address.query else "")
    said = _Said(tell)
    plain = connect(address.hostname, address.port or 5000, delivery.allowed_hosts)
    try:
        with plain, ssl.create_default_context().wrap_socket(plain, server_hostname=address.hostname) as link:
            link.sendall(f"{secret}\r\n".encode())
            while said.status is None and patience.left:
                link.settimeout(patience.left)
                if not (chunk := link.recv(65536)):
                    break
                said.lines.take(chunk)
    except TimeoutError:
        pass
    except OSError as error:
        raise TargetError(f"The connection to the dyno broke: {error.strerror or error}.") from None
    if said.status is None and not patience.left:
        raise TargetError("`post_deploy` did not end in time. `within` gives it longer.")
    said.lines.end()
    return said.status


class _Said:
    """Passes the output on, less what is not the command's."""

    def __init__(self, tell: Tell) -> None:
        self.status: int | None = None
        self.lines = Lines(self._line)
        self._tell = tell
        self._is_first = True

    def _line(self, line: str) -> None:
        is_greeting, self._is_first = self._is_first and line.strip() == _GREETING, False
        if found := _SAID.search(line):
            self.status = int(found[1])
            line = line[: found.start()]
            if not line:
                return
        if not is_greeting:
            self._tell(line)
