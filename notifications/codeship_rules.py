"""Rules as CodeShip's API has them: its notifiers, words and branch filters, told and taken."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from accounts.models import User
from builds.models import Project
from builds.pipeline.match import PatternError, branch_matches
from notifications.forms import target_problem
from notifications.models import Channel, Event, Rule
from notifications.services.addressees import COMMITTER, MEMBERS
from notifications.services.rules import TooManyError, add_rule, change_rule, remove_rule

_STATUSES = {"started": Event.STARTED, "failed": Event.FAILED, "success": Event.PASSED, "recovered": Event.RECOVERED}
_WORDS = {event: word for word, event in _STATUSES.items()}
_NOTIFIERS = {"email": Channel.EMAIL, "slack": Channel.SLACK, "webhook": Channel.WEBHOOK}
_TARGETS = {"all": MEMBERS, "committer": COMMITTER}
_SAID = {target: word for word, target in _TARGETS.items()}
_STATUS_REPORTS = frozenset({"github", "gitlab", "bitbucket"})  # commit statuses: reported without a rule
Row = dict[str, Any]


def told(project_ids: Sequence[int]) -> Mapping[int, list[Row]]:
    """The rules of each project that speak of builds; a hook's address is a secret and not told."""
    found: defaultdict[int, list[Row]] = defaultdict(list)
    for rule in Rule.objects.filter(project__in=project_ids, enabled=True).defer("secret").order_by("id"):
        if statuses := [_WORDS[Event(event)] for event in rule.events if event in _WORDS]:
            found[rule.project_id].append(_row(rule, statuses))
    return found


def replace(project: Project, wanted: Sequence[Mapping[str, Any]], *, who: User) -> None:
    """Make what is told of builds exactly these, in the caller's transaction; what is told of deployments stays.
    ValueError says what is wrong with one."""
    values = [_values(rule) for rule in wanted if rule["notifier"] not in _STATUS_REPORTS]
    for rule in project.notification_rules.all():
        others = [event for event in rule.events if event not in _WORDS]
        if not others:
            remove_rule(rule, user=who)
        elif others != rule.events:
            change_rule(rule, {"events": others}, user=who)
    for each in values:
        try:
            add_rule(project, each, user=who)
        except TooManyError:
            raise ValueError("there are too many rules") from None


def _row(rule: Rule, statuses: list[str]) -> Row:
    target = str(rule.target) if rule.channel == Channel.EMAIL else ""
    return {
        "notifier": rule.channel,
        "target": _SAID.get(target, target) or None,
        "branch": rule.branch or None,
        "branch_match": "exact",
        "build_statuses": statuses,
        "options": {},
    }


def _values(rule: Mapping[str, Any]) -> Row:
    channel = _NOTIFIERS.get(rule["notifier"])
    if channel is None:
        raise ValueError(f"there is no notifier {rule['notifier']}: use email, slack or webhook")
    events = [_STATUSES.get(word) for word in rule["build_statuses"]]
    if not events or None in events:
        raise ValueError("build_statuses: use some of started, failed, success, recovered")
    target = _target(channel, rule)
    if problem := target_problem(channel, target):
        raise ValueError(problem)
    branch = rule["branch"] or ""
    try:
        branch_matches(branch, "")
    except PatternError as error:
        raise ValueError(f"branch: {error}") from None
    if not branch.isprintable() or len(branch) > 255:
        raise ValueError("branch: this is no branch name")
    return {"channel": channel, "target": target, "branch": branch, "events": list(dict.fromkeys(map(str, events)))}


def _target(channel: str, rule: Mapping[str, Any]) -> str:
    if channel == Channel.EMAIL:
        word = rule["target"] or rule["build_owner"] or "all"
        return _TARGETS.get(word, word)
    options = rule["options"]
    address = options.get("url") or options.get("key")
    return address if isinstance(address, str) else ""
