"""The forms of the pages: what people type, checked for shape; what it may mean is for the services to say."""

from __future__ import annotations

from typing import Any

from django import forms

from accounts.models import Organization, User
from builds.access import Right
from builds.models import Project
from builds.models.connection import Provider
from builds.views.choices import organizations_with_right

DAY_SECONDS = 24 * 3600


class ProjectForm(forms.Form):
    """A new project."""

    organization = forms.ModelChoiceField(Organization.objects.none(), empty_label=None, label="Organisation")
    name = forms.CharField(max_length=140, help_text="As people say it, such as shop/api.")
    repository_url = forms.CharField(
        max_length=500,
        label="Repository",
        help_text="Its clone address: https://git.example.com/shop/api.git or git@git.example.com:shop/api.git",
    )
    provider = forms.ChoiceField(choices=Provider.choices, label="Where it lives", initial=Provider.GENERIC)
    default_branch = forms.CharField(max_length=255, initial="main")

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.organizations = organizations_with_right(user, Right.CREATE_PROJECT)
        self.fields["organization"].queryset = self.organizations  # type: ignore[attr-defined]


class SettingsForm(forms.ModelForm):  # type: ignore[type-arg]  # generic in the stubs only
    """What can be changed of a project."""

    timeout_seconds = forms.IntegerField(
        min_value=10,
        max_value=DAY_SECONDS,
        required=False,
        label="A build may take (seconds)",
        help_text="Empty: as the instance has it.",
    )
    silence_seconds = forms.IntegerField(
        min_value=10,
        max_value=DAY_SECONDS,
        required=False,
        label="A step may be silent for (seconds)",
        help_text="Empty: as the instance has it.",
    )

    class Meta:
        model = Project
        fields = [
            "name",
            "repository_url",
            "default_branch",
            "supersede",
            "supersede_running",
            "timeout_seconds",
            "silence_seconds",
            "pull_requests_only",
            "forks",
        ]
        labels = {
            "repository_url": "Repository",
            "supersede": "A newer push cancels waiting builds of its branch",
            "supersede_running": "… and running ones",
            "pull_requests_only": "Beside the default branch, build only what a pull request asks for",
            "forks": "Pull requests from forks",
        }
        help_texts = {
            "name": "",
            "supersede": "",
            "supersede_running": "",
            "pull_requests_only": "Pushes of other branches and of tags build nothing then.",
            "forks": "They never see a secret or the key of the project, deploy nothing, and leave no cache behind.",
        }
