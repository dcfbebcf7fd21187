"""The sessions of a person: on which device, from where, and when it was last seen."""

from __future__ import annotations

import re

from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from accounts.services.audit import record

_MOST_SHOWN = 100
_SYSTEMS = ["Android", "iPhone", "iPad", "Windows", "Mac OS X", "CrOS", "Linux"]
_NAMES = {"Mac OS X": "macOS", "CrOS": "ChromeOS", "Edg": "Edge", "OPR": "Opera"}
_BROWSERS = re.compile(r"(Firefox|Edg|OPR|Chrome|Safari|curl)/")


def sessions_of(user: User) -> list[UserSession]:
    """Those that still let in, the one seen last first; at most a hundred."""
    known = list(UserSession.objects.filter(user=user).order_by("-last_seen_at")[:_MOST_SHOWN])
    keys = [session.session_key for session in known]
    alive = set(
        Session.objects.filter(session_key__in=keys, expire_date__gt=timezone.now()).values_list(
            "session_key", flat=True
        )
    )
    return [session for session in known if session.session_key in alive]


def end_session(user: User, session_id: int) -> bool:
    """End one of the person's own sessions; False where they have no such."""
    session = UserSession.objects.filter(user=user, pk=session_id).first()
    if session is None:
        return False
    _end(user, [session])
    return True


def end_other_sessions(user: User, current_key: str | None) -> int:
    """End all but the one at hand; how many."""
    others = list(UserSession.objects.filter(user=user).exclude(session_key=current_key or ""))
    _end(user, others)
    return len(others)


def device_of(user_agent: str) -> str:
    """What people call it: `Firefox on Linux`."""
    browser = _BROWSERS.search(user_agent)
    system = next((name for name in _SYSTEMS if name in user_agent), "")
    words = [_NAMES.get(name, name) for name in (browser[1] if browser else "", system) if name]
    return " on ".join(words) or "A program"


def _end(user: User, sessions: list[UserSession]) -> None:
    with transaction.atomic():
        Session.objects.filter(session_key__in=[session.session_key for session in sessions]).delete()
        UserSession.objects.filter(pk__in=[session.pk for session in sessions]).delete()
        if sessions:
            record("sessions.ended", user.email, user=user, details={"count": len(sessions)})
