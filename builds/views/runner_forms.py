"""The form that makes a join token."""

from __future__ import annotations

from django import forms

from accounts.models import Organization
from builds.models.runner import Serves


class JoinForm(forms.Form):
    """Whose jobs the new runner takes."""

    serves = forms.ChoiceField(label="It takes", choices=Serves.choices, initial=Serves.ALL)
    organization = forms.ModelChoiceField(
        Organization.objects.order_by("name"), label="Of", required=False, empty_label="every organisation"
    )
