"""Tell whoever wants to know: a message and its outbox entry in one transaction, once for a rule and a happening."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from django.db import transaction

from builds.models import Project
from builds.outbound.outbox import put
from builds.pipeline.match import PatternError, branch_matches
from notifications.models import Channel, Event, Message, MessageState, Rule
from notifications.services.happening import Happening, Words
from notifications.services.recipients import NobodyError, each_for, recipient_of

KIND = "notification"


def rules_for(project: Project, events: Iterable[Event]) -> list[Rule]:
    """The project's rules that ask for any of these events."""
    asked = set(events)
    return [rule for rule in Rule.objects.filter(project=project, enabled=True) if not asked.isdisjoint(rule.events)]


def notify(happening: Happening, rules: Iterable[Rule]) -> list[Message]:
    """Write the messages that `happening` calls for by `rules`; those that are there already are left alone."""
    # A rule says nothing of what happened before it was made; a second of grace for two clocks.
    until = happening.at + timedelta(seconds=1)
    rules = [rule for rule in rules if rule.changed_at <= until]
    asking = [(rule, event) for rule in rules if (event := event_for(rule, happening)) is not None]
    wanted = [(rule, event, each) for rule, event in asking for each in each_for(rule, happening)]
    if not wanted:
        return []
    abouts = {each.about for _, _, each in wanted}
    told = set(Message.objects.filter(about__in=abouts).values_list("rule_id", "event", "about"))
    new = [(rule, event, each) for rule, event, each in wanted if (rule.pk, event, each.about) not in told]
    words = {event: happening.words(event) for event in {event for _, event, _ in new}}
    made = [_write(rule, event, each, words[event]) for rule, event, each in new]
    return [message for message in made if message is not None]


def event_for(rule: Rule, happening: Happening) -> Event | None:
    """Which of the happening's events the rule tells of, if any."""
    if not _covers(rule.branch, happening.branch):
        return None
    return next((event for event in happening.events if event in rule.events), None)


def write(rule: Rule, message: Message, happening: Happening) -> None:
    """Save a message and queue it, in the caller's transaction; where there is nobody to tell, the row says why."""
    try:
        message.recipient = recipient_of(rule, happening)
    except NobodyError as nobody:
        message.state, message.error = MessageState.DROPPED, str(nobody)
    message.save()
    if message.state == MessageState.DROPPED:
        return
    lane = f"email:{message.recipient.rpartition('@')[2]}" if rule.channel == Channel.EMAIL else f"rule:{rule.uuid}"
    put(KIND, f"{rule.uuid}:{message.event}:{message.about}", {"message": str(message.uuid)}, lane=lane[:200])


def _covers(pattern: str, branch: str) -> bool:
    try:
        return not pattern or pattern == branch or branch_matches(pattern, branch)
    except (PatternError, UnicodeError):
        return False


def _write(rule: Rule, event: Event, happening: Happening, words: Words) -> Message | None:
    message = Message(
        rule=rule,
        event=event,
        about=happening.about,
        thread=thread_of(happening),
        subject=words.subject,
        sentence=words.sentence,
        details=words.details,
        excerpt=words.excerpt,
        link=words.link,
    )
    with transaction.atomic():
        # The rule is held, so that a doubled signal finds the message of the first; a deleted rule tells nobody.
        if not Rule.objects.select_for_update(of=("self",), no_key=True).filter(pk=rule.pk).exists():
            return None
        if rule.messages.filter(event=event, about=happening.about).exists():
            return None
        write(rule, message, happening)
    return message


def thread_of(happening: Happening) -> str:
    """Messages of one branch belong together."""
    return f"{happening.project.uuid}:{happening.branch}"[:200]
