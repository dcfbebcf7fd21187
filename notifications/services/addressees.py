"""Who is told of a happening, and how: by the rules of the project, and by what people wish for themselves."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.utils import timezone

from accounts.models import User
from notifications.models import Browser, Channel, Event, Level, Message, MessageState, Refusal, Rule
from notifications.services.happening import Happening
from notifications.services.mail_address import is_address
from notifications.services.people import (
    browsers_of,
    committer_of,
    members_of,
    people_with,
    sees,
    team_of,
    who_asked,
    wishes_of,
)
from notifications.services.texts import one_line

COMMITTER = "committer"
APPROVERS = "approvers"
MEMBERS = "members"
TEAM = "team:"
# A build that fails in a loop must not fill anybody's mailbox, nor make us write to strangers without end.
MOST_AN_HOUR = 60


@dataclass(frozen=True, kw_only=True)
class Addressee:
    """One message to be written: by which rule or to whom, or why nobody gets it."""

    event: Event
    channel: str
    about: UUID
    rule: Rule | None = None
    person: User | None = None
    address: str = ""
    browser: Browser | None = None
    nobody: str = ""


def by_rule(rule: Rule, event: Event, happening: Happening) -> list[Addressee]:
    """Whom a rule tells. E-mail to several people is a message to each; where there is nobody, one that says so."""
    if rule.channel != Channel.EMAIL:
        return [Addressee(rule=rule, event=event, channel=rule.channel, about=happening.about)]
    if rule.target in {APPROVERS, MEMBERS} or rule.target.startswith(TEAM):
        return _several(rule, event, happening)
    return [_one(rule, event, happening)]


def by_wishes(happening: Happening) -> list[Addressee]:
    """Who asked to hear of everything in the project, or of their own builds."""
    found = []
    for user, names in who_asked(happening.project, set(happening.events)):
        event = next(event for event in happening.events if event in names)
        about = uuid.uuid5(happening.about, f"person:{user.pk}")
        found.append(_to(user, Addressee(event=event, channel=Channel.EMAIL, about=about), happening))
    return [each for each in found if not each.nobody]


def by_push(told: Iterable[Addressee], happening: Happening) -> list[Addressee]:
    """The browsers of everybody who is told, or would be but for not wanting mail."""
    events: dict[int, tuple[User, Event]] = {}
    for each in told:
        if each.person is not None:
            events.setdefault(each.person.pk, (each.person, each.event))
    return [
        Addressee(
            event=event,
            channel=Channel.PUSH,
            about=uuid.uuid5(happening.about, f"push:{browser.uuid}"),
            person=user,
            browser=browser,
        )
        for user, event in events.values()
        if _is_wanted(user, event, happening) and wishes_of(user, happening.project).by_push
        for browser in browsers_of(user)
    ]


def is_over_the_limit(address: str) -> bool:
    """Whether this address got as much within an hour as anybody may."""
    lately = Message.objects.filter(recipient=address, created_at__gt=timezone.now() - timedelta(hours=1))
    return lately.exclude(state=MessageState.DROPPED).count() >= MOST_AN_HOUR


def _one(rule: Rule, event: Event, happening: Happening) -> Addressee:
    draft = Addressee(rule=rule, event=event, channel=Channel.EMAIL, about=happening.about)
    if rule.target == COMMITTER:
        user = committer_of(happening)
        return _to(user, draft, happening) if user else _nobody(draft, _unknown(happening))
    known = people_with([rule.target])
    if known:
        return _to(known[0], draft, happening)
    if Refusal.objects.filter(project=happening.project, address=rule.target.lower()).exists():
        return _nobody(draft, f"{rule.target} has unsubscribed from this project")
    return _limited(draft, rule.target)


def _several(rule: Rule, event: Event, happening: Happening) -> list[Addressee]:
    if rule.target == APPROVERS:
        people, missing = people_with(happening.approvers()), "Nobody of the organisation may approve it"
    elif rule.target == MEMBERS:
        people, missing = members_of(happening.project), "Nobody sees the project"
    else:
        people, missing = _team(rule, happening), "Nobody is in this team, or it does not look after the project"
    found = []
    for user in people:
        about = uuid.uuid5(happening.about, user.email)
        draft = Addressee(rule=rule, event=event, channel=Channel.EMAIL, about=about)
        found.append(_to(user, draft, happening))
    empty = Addressee(rule=rule, event=event, channel=Channel.EMAIL, about=happening.about, nobody=missing)
    return found or [empty]


def _team(rule: Rule, happening: Happening) -> list[User]:
    try:
        return team_of(happening.project, UUID(rule.target.removeprefix(TEAM)))
    except ValueError:
        return []


def _to(user: User, draft: Addressee, happening: Happening) -> Addressee:
    """The message to a person by mail, or why it is none; what they wish wins over every rule."""
    of_theirs = Addressee(**{**vars(draft), "person": user})
    if not sees(user, happening.project):
        return _nobody(draft, f"{user.email} does not see this project")
    if draft.event == Event.TEST:
        return _limited(of_theirs, user.email)
    if not _is_wanted(user, draft.event, happening):
        return _nobody(of_theirs, f"{user.email} does not want to hear of this")
    if not wishes_of(user, happening.project).by_mail:
        return _nobody(of_theirs, f"{user.email} wants no mail about builds")
    return _limited(of_theirs, user.email)


def _is_wanted(user: User, event: Event, happening: Happening) -> bool:
    level = wishes_of(user, happening.project).level
    if level == Level.OWN:
        # To be asked for an approval is a part of their own work.
        return event in {Event.APPROVAL, Event.TEST} or committer_of(happening) == user
    return level != Level.NOTHING


def _limited(draft: Addressee, address: str) -> Addressee:
    if not is_address(address):
        return _nobody(draft, "This is not an address that can be written to")
    if is_over_the_limit(address):
        return _nobody(draft, f"{address} got {MOST_AN_HOUR} messages within an hour: no more for now")
    return Addressee(**{**vars(draft), "address": address})


def _nobody(draft: Addressee, why: str) -> Addressee:
    return Addressee(**{**vars(draft), "nobody": why})


def _unknown(happening: Happening) -> str:
    who = one_line(happening.committer or happening.username, 100) or "nobody"
    return f"The commit's author ({who}) is not known here by a confirmed address or a connected account"
