"""The forms of secrets and variables: written here; what is secret is never shown again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms

from accounts.models import Organization
from builds.models import Project, SecretKind
from builds.pipeline.match import MAX_PATTERN
from builds.services.secrets import LONGEST_NAME, LONGEST_VALUE, SecretError, check_branch, check_name, check_value


class SecretForm(forms.Form):
    """One of them, in a place that the page knows."""

    name = forms.CharField(max_length=LONGEST_NAME, help_text="As the build sees it, such as AWS_SECRET_KEY.")
    kind = forms.ChoiceField(
        choices=SecretKind.choices,
        initial=SecretKind.SECRET,
        required=False,
        help_text="Of a file the variable holds the path. A plain variable is shown here and in logs.",
    )
    branch = forms.CharField(
        max_length=MAX_PATTERN,
        required=False,
        label="Only for branches",
        help_text="A branch or a pattern such as release/*; of tags tag:v*. Empty: every branch and tag.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    value = forms.CharField(
        max_length=LONGEST_VALUE,
        strip=False,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3, "autocomplete": "off", "spellcheck": "false"}),
        help_text="Sealed at rest, hidden in logs, and never shown again.",
    )

    def clean_name(self) -> str:
        """A name that a shell accepts."""
        return _checked(check_name, self.cleaned_data["name"].strip())

    def clean_kind(self) -> str:
        """A secret, where nothing was chosen."""
        return self.cleaned_data["kind"] or SecretKind.SECRET

    def clean_branch(self) -> str:
        """A pattern that can match."""
        return _checked(check_branch, self.cleaned_data["branch"].strip())

    def clean_value(self) -> str:
        """Browsers send line breaks as CR LF; keys want them as they were."""
        kind = self.cleaned_data.get("kind", SecretKind.SECRET)
        return _checked(lambda text: check_value(text, kind), self.cleaned_data["value"].replace("\r\n", "\n"))


class OrganizationSecretForm(SecretForm):
    """One of an organisation's."""

    projects = forms.ModelMultipleChoiceField(
        Project.objects.none(),
        required=False,
        label="Only for these projects",
        widget=forms.CheckboxSelectMultiple,
        help_text="None: every project of the organisation.",
    )

    def __init__(self, organization: Organization, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        projects = Project.objects.filter(organization=organization).defer("hook_secret", "ssh_private_key")
        self.fields["projects"].queryset = projects.order_by("name")  # type: ignore[attr-defined]


class GivenForm(forms.Form):
    """Of which build the page is to say what it would be given."""

    branch = forms.CharField(max_length=255, required=False, label="Branch, or tag:name")
    environment = forms.CharField(max_length=100, required=False, label="Environment that it deploys to")


def _checked(check: Callable[[str], None], text: str) -> str:
    try:
        check(text)
    except SecretError as error:
        raise forms.ValidationError(str(error)) from None
    return text
