"""`ciservice login` and `logout`: a token of one's own at a server, kept on this machine."""

from __future__ import annotations

import socket
import sys
from dataclasses import replace
from urllib.parse import urlsplit

import click

from ciservice.cli.flags import Command
from ciservice.cli.local.errors import Trouble
from ciservice.cli.remote.credentials import Known, Login, name_for, place, read, write
from ciservice.cli.remote.errors import Denied, Misused
from ciservice.cli.remote.http import Api

_DAYS = 90
_HERE = {"127.0.0.1", "::1", "localhost"}


@click.command(cls=Command)
@click.argument("url", default="", envvar="CISERVICE_URL")
@click.option("--name", default="", help="What to call it, for --instance. Default: the server's host.")
@click.option("--email", default="", help="Whose account; asked for where it is not given.")
@click.option("--token", default="", metavar="TEXT", help="One that you made on your account page; - reads it.")
def login(url: str, name: str, email: str, token: str) -> None:
    """Log in at URL with e-mail and password, or with a token, and remember it on this machine.

    The password is not kept: a token of your own is made with it, which works for 90 days and is listed on your account page.
    """
    known = read()
    url = (url or (known.logins[known.default].url if known.default else "") or click.prompt("Server")).rstrip("/")
    if "://" not in url:
        url = f"https://{url}"
    _warn(url)
    made = _with_token(url, _text(token)) if token else _with_password(url, email or click.prompt("E-mail"))
    name = name or name_for(url)
    write(Known(logins={**known.logins, name: made}, default=name))
    click.echo(f"Logged in at {url} as {made.email}; kept in {place()}.")


@click.command(cls=Command)
@click.option("--instance", default="", metavar="NAME", help="Which login; else the default.")
def logout(instance: str) -> None:
    """Forget the token of this machine, and revoke it where it was made here."""
    known = read()
    name = instance or known.default
    gone = known.logins.get(name)
    if gone is None:
        raise Denied(f"You are not logged in {f'as {name!r}' if name else 'anywhere'}.")
    if gone.token_id:
        try:
            Api(gone.url, gone.token).delete(f"/v2/tokens/{gone.token_id}")
        except Trouble as error:
            click.echo(f"The token could not be revoked: {error.message} Revoke it on your account page.", err=True)
    logins = {each: login for each, login in known.logins.items() if each != name}
    write(Known(logins=logins, default="" if known.default == name else known.default))
    click.echo(f"Logged out of {gone.url}.")


def _with_token(url: str, token: str) -> Login:
    who = Api(url, token).get("/v2/token")["person"]
    return Login(url=url, token=token, email=str(who["email"]))


def _with_password(url: str, email: str) -> Login:
    if not sys.stdin.isatty() and not email:
        raise Misused("There is no terminal to ask in: give --token -, or CISERVICE_TOKEN.")
    password = click.prompt("Password", hide_input=True)
    first = Api(url).post("/v2/auth", basic=f"{email}:{password}")
    days = {"name": f"ciservice on {socket.gethostname()}"[:100], "days": _DAYS}
    made = Api(url, str(first["access_token"])).post("/v2/tokens", days)["token"]
    return replace(_with_token(url, str(made["token"])), token_id=int(made["id"]))


def _text(token: str) -> str:
    text = sys.stdin.readline().strip() if token == "-" else token.strip()  # noqa: S105  # standard input
    if not text:
        raise Misused("There is no token on standard input.")
    return text


def _warn(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme == "http" and parts.hostname not in _HERE:
        click.echo("This address has no TLS: whoever is on the way reads your password and token.", err=True)
