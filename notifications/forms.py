"""The forms of rules and of wishes: what people type is checked here."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from django import forms

from accounts.models import User
from builds.models import Project
from builds.pipeline.match import MAX_PATTERN, PatternError, branch_matches
from notifications.channels.apprise_services import service_of
from notifications.models import RULE_CHANNELS, RULE_EVENTS, Channel, Event, Level, Wish
from notifications.services.addressees import APPROVERS, COMMITTER, MEMBERS, TEAM
from notifications.services.mail_address import is_address
from notifications.services.people import USUAL

WORDS = (COMMITTER, APPROVERS, MEMBERS)
_EVENTS = [(str(event), Event(event).label.lower()) for event in RULE_EVENTS]


class RuleForm(forms.Form):
    """Who is told of what."""

    events = forms.MultipleChoiceField(
        choices=_EVENTS,
        widget=forms.CheckboxSelectMultiple,
        label="When",
        error_messages={"required": "Choose at least one event."},
    )
    branch = forms.CharField(
        required=False,
        max_length=MAX_PATTERN,
        label="Branch",
        help_text="A name, or a pattern such as release/*; empty = every branch.",
    )
    channel = forms.ChoiceField(choices=[(str(c), Channel(c).label) for c in RULE_CHANNELS], label="How")
    audience = forms.ChoiceField(required=False, label="To", help_text="Of e-mail; who wants to hear less, hears less.")
    target = forms.CharField(
        required=False,
        max_length=1000,
        label="Address",
        help_text="An e-mail address; a hook's address; or of Apprise: tgram://…, ntfys://… Hooks are kept sealed and shown to nobody.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )

    def __init__(
        self, *args: Any, project: Project, known_target: str = "", known_channel: str = "", **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self._known = (known_channel, known_target)
        self._teams = {f"{TEAM}{team.uuid}": f"the team {team.name}" for team in project.teams.order_by("name")}
        people = [(COMMITTER, "who made the commit"), (APPROVERS, "who may approve"), (MEMBERS, "who sees the project")]
        self.fields["audience"].choices = [("", "the address below"), *people, *self._teams.items()]  # type: ignore[attr-defined]
        if known_channel and known_channel != Channel.EMAIL:
            self.fields["target"].widget.attrs["placeholder"] = "as it is"

    def clean_branch(self) -> str:
        """A pattern that can be matched."""
        pattern: str = self.cleaned_data["branch"].strip()
        try:
            branch_matches(pattern, "")
        except PatternError as error:
            raise forms.ValidationError(f"This is no pattern: {error}.") from error
        if not pattern.isprintable():
            raise forms.ValidationError("This is no branch name.")
        return pattern

    def clean(self) -> dict[str, Any]:
        """The target fits the channel; left empty, a known one stays."""
        values: dict[str, Any] = super().clean() or {}
        channel, target = values.get("channel", ""), (values.get("target") or "").strip()
        audience = values.pop("audience", "")
        if channel == Channel.EMAIL and audience:
            target = audience
        if not target and channel == self._known[0]:
            target = self._known[1]
        if problem := target_problem(channel, target, self._teams):
            self.add_error("target", problem)
        elif channel == Channel.EMAIL and target == APPROVERS and values.get("events", []) != [Event.APPROVAL]:
            self.add_error(
                "target", "The approvers are told of “approval needed” alone: choose nothing else, or an address."
            )
        values["target"] = target
        return values


def target_problem(channel: str, target: str, teams: dict[str, str] | None = None) -> str:
    """What is wrong with a target, as a sentence; "" where nothing is."""
    if channel == Channel.EMAIL:
        known = target in WORDS or target in (teams or {}) or is_address(target)
        return "" if known else "Give an e-mail address, or the word committer, approvers or members."
    if not target.isprintable() or " " in target:
        return "There is no such address."
    if channel == Channel.APPRISE:
        known = bool(service_of(target)) and len(target) > len("ntfy://")
        return "" if known else "Give an Apprise address of a service in the list, such as tgram://bottoken/chat."
    try:
        parts = urlsplit(target)
        fits = parts.scheme in {"https", "http"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        fits = False
    return "" if fits else "Give the hook's address: https://…"


class WishForm(forms.Form):
    """What a person wishes to hear."""

    gets_mail = forms.BooleanField(required=False, label="Send me mail about builds")
    level = forms.ChoiceField(choices=Level.choices, label="Tell me of")
    events = forms.MultipleChoiceField(
        choices=_EVENTS, widget=forms.CheckboxSelectMultiple, required=False, label="Where I asked for all, when"
    )
    by_mail = forms.BooleanField(required=False, label="by e-mail, as it happens")
    by_push = forms.BooleanField(required=False, label="in the browsers below")
    digest = forms.BooleanField(required=False, label="A mail a day of what happened")
    digest_hour = forms.IntegerField(min_value=0, max_value=23, label="at (hour)")
    zone = forms.CharField(max_length=64, label="Time zone", help_text="Such as Europe/Vienna.")

    @classmethod
    def of(cls, user: User, wish: Wish) -> WishForm:
        """What stands."""
        names = ("level", "by_mail", "by_push", "digest", "digest_hour", "zone")
        events = [str(event) for event in USUAL] if wish.events is None else wish.events
        values = {name: getattr(wish, name) for name in names}
        return cls(initial={**values, "events": events, "gets_mail": user.gets_mail})

    def clean_zone(self) -> str:
        """A zone that there is."""
        zone: str = self.cleaned_data["zone"].strip()
        if zone not in available_timezones():
            raise forms.ValidationError("There is no such time zone: give a name such as Europe/Vienna or UTC.")
        return zone
