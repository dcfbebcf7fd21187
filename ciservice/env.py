"""The one reader of environment variables: typed, with `NAME_FILE` for secrets, and refusing what cannot work."""

from __future__ import annotations

import os
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

TRUE = frozenset({"1", "true", "yes", "on"})
FALSE = frozenset({"0", "false", "no", "off", ""})
LEAST_SECRET = 32


def text(name: str, default: str = "") -> str:
    """The value of NAME, or `default` where it is not set."""
    return os.environ.get(name, default).strip()


def flag(name: str, *, default: bool = False) -> bool:
    """NAME as a yes or no; anything else stops start-up."""
    value = os.environ.get(name)
    if value is None:
        return default
    if value.strip().lower() in TRUE:
        return True
    if value.strip().lower() in FALSE:
        return False
    raise ImproperlyConfigured(f"{name}={value!r} is neither yes nor no: use 1 or 0")


def whole(name: str, default: int, *, least: int = 0, most: int | None = None) -> int:
    """NAME as a whole number between `least` and `most`; anything else stops start-up."""
    value = os.environ.get(name, "").strip()
    if not value:
        return default
    try:
        number = int(value)
    except ValueError:
        raise ImproperlyConfigured(f"{name}={value!r} is not a whole number") from None
    if number < least or (most is not None and number > most):
        raise ImproperlyConfigured(
            f"{name}={number} is out of range: at least {least}" + (f", at most {most}" if most else "")
        )
    return number


def words(name: str) -> list[str]:
    """NAME as a list, divided at commas."""
    return [word.strip() for word in text(name).split(",") if word.strip()]


def secret(name: str, *, default: str = "") -> str:
    """Read NAME, or the file that NAME_FILE points at; "" where neither is set and there is no default."""
    if path := os.environ.get(f"{name}_FILE"):
        try:
            return Path(path).read_text().strip()
        except OSError as error:
            raise ImproperlyConfigured(f"{name}_FILE={path}: {error.strerror}") from error
    return os.environ.get(name, default).strip()


def needed_secret(name: str) -> str:
    """A secret that start-up cannot do without: it must be set and at least LEAST_SECRET characters long."""
    value = secret(name)
    if not value:
        raise ImproperlyConfigured(f"Set {name} or {name}_FILE (`openssl rand -base64 48` makes one)")
    if len(value) < LEAST_SECRET or len(set(value)) < 8:
        raise ImproperlyConfigured(
            f"{name} is too weak: at least {LEAST_SECRET} characters, made at random (`openssl rand -base64 48`)"
        )
    return value


def put(name: str, value: str) -> None:
    """Set NAME for this process and those it starts, where it is not set yet."""
    os.environ.setdefault(name, value)


def overrule(name: str, value: str) -> None:
    """Set NAME for this process and those it starts, whatever it was."""
    os.environ[name] = value


def everything() -> dict[str, str]:
    """A copy of the environment, for programs that this process starts."""
    return dict(os.environ)
