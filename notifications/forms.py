"""The form of a rule: what people type is checked here."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django import forms

from builds.pipeline.match import MAX_PATTERN, PatternError, branch_matches
from notifications.models import RULE_EVENTS, Channel, Event
from notifications.services.recipients import APPROVERS, COMMITTER, is_address


class RuleForm(forms.Form):
    """Who is told of what."""

    events = forms.MultipleChoiceField(
        choices=[(str(event), Event(event).label.lower()) for event in RULE_EVENTS],
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
    channel = forms.ChoiceField(choices=Channel.choices, label="How")
    target = forms.CharField(
        required=False,
        max_length=1000,
        label="To",
        help_text="E-mail: an address, or the word committer or approvers. Hook: its address, kept sealed and shown to nobody.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )

    def __init__(self, *args: Any, known_target: str = "", known_channel: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._known = (known_channel, known_target)
        if known_channel == Channel.SLACK:
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
        if not target and channel == self._known[0]:
            target = self._known[1]
        if problem := target_problem(channel, target):
            self.add_error("target", problem)
        elif target == APPROVERS and values.get("events", []) != [Event.APPROVAL]:
            self.add_error(
                "target", "The approvers are told of “approval needed” alone: choose nothing else, or an address."
            )
        values["target"] = target
        return values


def target_problem(channel: str, target: str) -> str:
    """What is wrong with a target, as a sentence; "" where nothing is."""
    if channel == Channel.EMAIL:
        known = target in {COMMITTER, APPROVERS} or is_address(target)
        return "" if known else "Give an e-mail address, or the word committer or approvers."
    try:
        parts = urlsplit(target)
        fits = parts.scheme in {"https", "http"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        fits = False
    return "" if fits and target.isprintable() and " " not in target else "Give the hook's address: https://…"
