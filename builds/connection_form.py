"""The forms of connections and of commit statuses."""

from __future__ import annotations

from typing import Any

from django import forms

from builds.models import Project
from builds.models.connection import Provider
from builds.services.connections import Credentials

_HIDDEN = {"autocomplete": "off", "spellcheck": "false"}
_HOSTS = [(value, label) for value, label in Provider.choices if value != Provider.GENERIC]


class CredentialsForm(forms.Form):
    """What lets us in: written here, never shown again."""

    token = forms.CharField(
        max_length=2000,
        required=False,
        widget=forms.PasswordInput(attrs=_HIDDEN),
        help_text="Sealed at rest and never shown again. For Bitbucket Cloud an access token, or e-mail:API token.",
    )
    app_id = forms.CharField(
        max_length=40, required=False, label="App ID", help_text="Of a GitHub App, instead of a token."
    )
    installation_id = forms.CharField(
        max_length=40,
        required=False,
        label="Installation ID",
        help_text="The number at the end of the address where the App is installed.",
    )
    app_key = forms.CharField(
        max_length=10_000,
        required=False,
        label="Private key of the App",
        widget=forms.Textarea(attrs={"rows": 3, **_HIDDEN}),
        help_text="The whole .pem file.",
    )

    def __init__(self, *args: Any, is_github: bool = True, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not is_github:
            for name in ("app_id", "installation_id", "app_key"):
                del self.fields[name]

    def credentials(self) -> Credentials:
        """What was typed."""
        names = ("token", "app_id", "app_key", "installation_id")
        return Credentials(**{name: self.cleaned_data.get(name, "") for name in names})


class ConnectionForm(CredentialsForm):
    """A new connection."""

    provider = forms.ChoiceField(choices=_HOSTS, label="Where the repositories live")
    url = forms.CharField(
        max_length=300,
        required=False,
        label="Address",
        help_text="Empty for github.com and gitlab.com; for Bitbucket Cloud with the workspace: https://bitbucket.org/shop",
    )

    field_order = ["provider", "url", "token", "app_id", "installation_id", "app_key"]


class StatusesForm(forms.ModelForm):  # type: ignore[type-arg]  # generic in the stubs only
    """What is told beside commits."""

    class Meta:
        model = Project
        fields = ["reports_statuses", "status_context"]
        labels = {"reports_statuses": "Show builds beside their commits", "status_context": "What the line is called"}
        help_texts = {"status_context": "Empty: as the instance has it."}
