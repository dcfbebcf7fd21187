"""What people fill in about an organisation: its name, whom they invite, its teams, where a project goes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator

from accounts.models import Organization, Role, Team, User
from accounts.services.audit_log import AuditFilter
from accounts.services.roles import roles_up_to
from builds.access import organizations_of

_LAST_YEAR = 9998
_MOST_DAYS = 3650


def role_choices(own: str) -> list[tuple[str, str]]:
    """The roles that somebody with `own` may give, the lowest first."""
    return [(str(role), str(role.label)) for role in reversed(roles_up_to(own))]


class OrganizationForm(forms.Form):
    """What an organisation is called."""

    name = forms.CharField(label="Name", max_length=100, help_text="As people say it: Acme Shop.")


class RetentionForm(forms.Form):
    """After how many days something goes; empty = as the instance has it, 0 = never."""

    build_days = forms.IntegerField(
        label="Builds", help_text="The newest ten of each project stay, and those that were delivered."
    )
    log_days = forms.IntegerField(label="Logs", help_text="Their builds stay, with every step and its result.")
    artifact_days = forms.IntegerField(label="Artifacts")
    cache_days = forms.IntegerField(label="Caches", help_text="Without being used.")

    def __init__(self, *args: Any, instance_has: Mapping[str, int], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for kind, field in self.fields.items():
            days = instance_has[kind]
            field.required = False
            field.validators += [MinValueValidator(0), MaxValueValidator(_MOST_DAYS)]
            field.widget.attrs |= {"min": 0, "max": _MOST_DAYS, "placeholder": str(days) if days else "for ever"}


class InviteForm(forms.Form):
    """Whom to invite, as what."""

    email = forms.EmailField(
        label="E-mail address", max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "off"})
    )
    role = forms.ChoiceField(label="Role", initial=Role.CONTRIBUTOR)
    teams = forms.ModelMultipleChoiceField(
        Team.objects.none(), label="Teams", required=False, widget=forms.CheckboxSelectMultiple
    )

    def __init__(self, organization: Organization, own_role: str, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["role"].choices = role_choices(own_role)  # type: ignore[attr-defined]
        mine = organization.teams.filter(role__in=roles_up_to(own_role)).order_by("name")
        if mine.exists():
            self.fields["teams"].queryset = mine  # type: ignore[attr-defined]
        else:
            del self.fields["teams"]


class TeamForm(forms.Form):
    """A team's name, and what its members may at least in its projects."""

    name = forms.CharField(label="Name", max_length=100, help_text="As people say it: Backend.")
    role = forms.ChoiceField(
        label="Role", help_text="What its members may in its projects, where their own role allows less."
    )

    def __init__(self, own_role: str, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["role"].choices = role_choices(own_role)  # type: ignore[attr-defined]


class TransferForm(forms.Form):
    """Which organisation is asked to take a project: one of the person's own by its short name, any by its ID."""

    target = forms.CharField(
        label="To which organisation",
        max_length=60,
        help_text="The short name of one that you are in, or the ID that another shows on its settings page.",
    )

    def __init__(self, user: User, source: Organization, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._user, self._source = user, source

    def clean_target(self) -> Organization:
        """The organisation."""
        text: str = self.cleaned_data["target"].strip()
        found = organizations_of(self._user).filter(slug=text).first() or _by_id(text)
        if found is None:
            raise forms.ValidationError("You are in no organisation with this short name, and none has this ID.")
        if found.pk == self._source.pk:
            raise forms.ValidationError("It is there already.")
        return found


class DeleteForm(forms.Form):
    """The name of what is to be deleted, typed."""

    typed = forms.CharField(
        label="Type the name", max_length=200, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )

    def __init__(self, name: str, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._name = name
        self.fields["typed"].help_text = f"Type {name} to go on."

    def clean_typed(self) -> str:
        """The same name."""
        typed: str = self.cleaned_data["typed"].strip()
        if typed != self._name:
            raise forms.ValidationError(f"This is not its name, which is {self._name}.")
        return typed


def _by_id(text: str) -> Organization | None:
    try:
        return Organization.objects.filter(uuid=UUID(text), deleting_at=None).first()
    except ValueError:
        return None


class AuditForm(forms.Form):
    """What of the audit log to show."""

    who = forms.CharField(label="Person", required=False, max_length=254)
    action = forms.ChoiceField(label="Action", required=False)
    since = forms.DateField(label="From", required=False, widget=forms.DateInput(attrs={"type": "date"}))
    until = forms.DateField(label="To", required=False, widget=forms.DateInput(attrs={"type": "date"}))

    def __init__(self, actions: Sequence[str], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        chosen = [("", "All"), *((action, action) for action in actions)]
        self.fields["action"].choices = chosen  # type: ignore[attr-defined]

    def clean_who(self) -> str:
        """Without what no database takes."""
        return str(self.cleaned_data["who"]).replace("\0", "")

    def wanted(self) -> AuditFilter:
        """The filter; whole days, in UTC. Only after `is_valid`."""
        told = self.cleaned_data
        return AuditFilter(
            who=told["who"],
            action=told["action"],
            since=_midnight(told["since"]),
            until=_midnight(told["until"], days=1),
        )


def _midnight(day: date | None, *, days: int = 0) -> datetime | None:
    """When the day begins, or another one `days` later."""
    if day is None or day.year > _LAST_YEAR:
        return None
    return datetime.combine(day, time(), UTC) + timedelta(days=days)
