"""Tell whoever wants to know: a message and its outbox entry in one transaction, once for a target and a happening."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from django.db import IntegrityError, transaction

from builds.models import Project
from builds.pipeline.match import PatternError, branch_matches
from notifications.models import Channel, Event, Message, MessageState, Rule
from notifications.services.addressees import Addressee, by_push, by_rule, by_wishes
from notifications.services.happening import Happening, Words
from notifications.services.queue import queue


def rules_for(project: Project, events: Iterable[Event]) -> list[Rule]:
    """The project's rules that ask for any of these events."""
    asked = set(events)
    return [rule for rule in Rule.objects.filter(project=project, enabled=True) if not asked.isdisjoint(rule.events)]


def notify(happening: Happening, rules: Iterable[Rule]) -> list[Message]:
    """Write the messages that `happening` calls for, by `rules` and by what people wish; old ones are left alone."""
    # A rule says nothing of what happened before it was made; a second of grace for two clocks.
    until = happening.at + timedelta(seconds=1)
    rules = [rule for rule in rules if rule.changed_at <= until]
    wanted = _each_once(
        [
            *(
                each
                for rule in rules
                if (event := event_for(rule, happening)) is not None
                for each in by_rule(rule, event, happening)
            ),
            *by_wishes(happening),
        ]
    )
    wanted += by_push(wanted, happening)
    if not wanted:
        return []
    told = _told(wanted)
    new = [each for each in wanted if _mark(each) not in told]
    words = {event: happening.words(event) for event in {each.event for each in new}}
    made = [write(each, happening, words[each.event]) for each in new]
    return [message for message in made if message is not None]


def event_for(rule: Rule, happening: Happening) -> Event | None:
    """Which of the happening's events the rule tells of, if any."""
    if not _covers(rule.branch, happening.branch):
        return None
    return next((event for event in happening.events if event in rule.events), None)


def write(each: Addressee, happening: Happening, words: Words) -> Message | None:
    """The message, saved and queued; where there is nobody to tell, its row says why. None where it is there already."""
    message = _message(each, happening, words)
    try:
        with transaction.atomic():
            # The rule is held, so that a doubled signal finds the message of the first; a deleted rule tells nobody.
            if each.rule is not None and not _hold(each.rule):
                return None
            if each.rule is not None and each.rule.messages.filter(event=each.event, about=each.about).exists():
                return None
            message.save()
            if message.state == MessageState.PENDING:
                queue(message)
    except IntegrityError:
        return None
    return message


def thread_of(happening: Happening) -> str:
    """Messages of one branch belong together."""
    return f"{happening.project.uuid}:{happening.branch}"[:200]


def _message(each: Addressee, happening: Happening, words: Words) -> Message:
    recipient = str(each.browser.uuid) if each.browser else each.address
    return Message(
        rule=each.rule,
        project=happening.project,
        person=each.person,
        build=happening.build,
        channel=each.channel,
        event=each.event,
        about=each.about,
        thread=thread_of(happening),
        recipient=recipient,
        subject=words.subject,
        sentence=words.sentence,
        details=words.details,
        excerpt=words.excerpt,
        link=words.link,
        state=MessageState.DROPPED if each.nobody else MessageState.PENDING,
        error=each.nobody,
    )


def _each_once(wanted: list[Addressee]) -> list[Addressee]:
    """Without what two rules, or a rule and a wish, would tell the same address of the same event."""
    found: list[Addressee] = []
    seen: set[tuple[str, Event]] = set()
    for each in wanted:
        mark = (each.address, each.event)
        if each.address and each.channel == Channel.EMAIL:
            if mark in seen:
                continue
            seen.add(mark)
        found.append(each)
    return found


def _told(wanted: list[Addressee]) -> set[tuple[object, ...]]:
    there = Message.objects.filter(about__in={each.about for each in wanted})
    return {
        (rule or person, bool(rule), channel, event, about)
        for rule, person, channel, event, about in there.values_list(
            "rule_id", "person_id", "channel", "event", "about"
        )
    }


def _mark(each: Addressee) -> tuple[object, ...]:
    rule, person = each.rule, each.person
    whose = rule.pk if rule else person.pk if person else None
    return (whose, rule is not None, each.channel, each.event, each.about)


def _hold(rule: Rule) -> bool:
    return Rule.objects.select_for_update(of=("self",), no_key=True).filter(pk=rule.pk).exists()


def _covers(pattern: str, branch: str) -> bool:
    try:
        return not pattern or pattern == branch or branch_matches(pattern, branch)
    except (PatternError, UnicodeError):
        return False
