"""One deployment of the kept pipelines' form: its rule, and CodeShip's types of deployment with their fields."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from django import forms

from builds.pipeline.basic import KeptDeployment, Match, Way
from runners.targets.s3.settings import Acl

MOST_COMMANDS = 32 * 1024
_MATCHES = [(Match.EXACTLY.value, "Branch is exactly"), (Match.STARTS_WITH.value, "Branch starts with")]
_WAYS = [
    (Way.SCRIPT.value, "Custom script"),
    (Way.HEROKU.value, "Heroku"),
    (Way.S3.value, "AWS S3"),
    (Way.ELASTIC_BEANSTALK.value, "AWS Elastic Beanstalk"),
    (Way.CODE_DEPLOY.value, "AWS CodeDeploy"),
]
_AWS = (Way.S3, Way.ELASTIC_BEANSTALK, Way.CODE_DEPLOY)
_SETTINGS: Mapping[str, Mapping[Way, str]] = {
    "app": {Way.HEROKU: "name"},
    "application_name": dict.fromkeys((Way.ELASTIC_BEANSTALK, Way.CODE_DEPLOY), "application_name"),
    "environment_name": {Way.ELASTIC_BEANSTALK: "environment_name"},
    "deployment_group_name": {Way.CODE_DEPLOY: "deployment_group_name"},
    "s3_bucket": dict.fromkeys(_AWS, "s3_bucket"),
    "region": dict.fromkeys(_AWS, "region"),
    "folder": {Way.HEROKU: "folder", **dict.fromkeys(_AWS, "local_path")},
    "acl": {Way.S3: "acl"},
    "deployment_config_name": {Way.CODE_DEPLOY: "deployment_config_name"},
    "post_deploy": {Way.HEROKU: "post_deploy"},
    "url": {Way.HEROKU: "url"},
    "check_url": {Way.HEROKU: "check_url"},
}
"""What each field of the form is called among the settings of each target that has it."""


def commands_field(label: str, help_text: str = "", **attributes: str) -> forms.CharField:
    """A text with a command a line."""
    plain = {"rows": 5, "spellcheck": "false", "autocomplete": "off", "autocapitalize": "off"}
    widget = forms.Textarea(attrs={**plain, **attributes})
    return forms.CharField(label=label, max_length=MOST_COMMANDS, required=False, widget=widget, help_text=help_text)


def _setting(name: str, label: str, help_text: str = "", most: int = 300) -> forms.CharField:
    widget = forms.TextInput(attrs=_ways(name))
    return forms.CharField(label=label, max_length=most, required=False, widget=widget, help_text=help_text)


def _ways(name: str) -> dict[str, str]:
    """For the page, which shows a field where it belongs to what is chosen."""
    return {"data-ways": " ".join(_SETTINGS[name])}


class DeploymentForm(forms.Form):
    """One row. Rows of one environment are its steps, in their order."""

    name = forms.CharField(max_length=100, required=False, label="Environment", help_text="Such as production.")
    match = forms.ChoiceField(choices=_MATCHES, required=False, label="When")
    branch = forms.CharField(
        max_length=150, required=False, label="Branch", help_text="% with “starts with” means every branch."
    )
    way = forms.ChoiceField(
        choices=_WAYS,
        required=False,
        label="How",
        help_text="Keys are secrets: HEROKU_API_KEY, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, kept among the "
        "secrets of the project or of the environment, never here. Google App Engine, and everything else: a custom "
        "script that calls its own tool, such as gcloud app deploy.",
    )
    commands = commands_field("Deployment commands", **{"data-ways": Way.SCRIPT})
    app = _setting("app", "Heroku app", "Such as shop-production.")
    application_name = _setting("application_name", "Application")
    environment_name = _setting("environment_name", "Elastic Beanstalk environment")
    deployment_group_name = _setting("deployment_group_name", "Deployment group")
    s3_bucket = _setting("s3_bucket", "S3 bucket", "With a folder where wished: shop-web/www.", 900)
    region = _setting("region", "Region", "Such as eu-central-1. Empty: the variable AWS_REGION.")
    folder = _setting("folder", "Folder", "Of the checkout. Empty: all of it.")
    acl = forms.ChoiceField(
        choices=[(word, word or "What the bucket says") for word in get_args(Acl)],
        required=False,
        label="Who may read the files",
        widget=forms.Select(attrs=_ways("acl")),
    )
    deployment_config_name = _setting("deployment_config_name", "Deployment configuration", "Empty: the group's own.")
    post_deploy = _setting("post_deploy", "Command after the release", "Such as rake db:migrate.", 4000)
    url = _setting("url", "Address", "Where the app is served. Empty: what Heroku says.", 500)
    check_url = forms.BooleanField(
        label="The address has to answer", required=False, widget=forms.CheckboxInput(attrs=_ways("check_url"))
    )


def initial_of(deployment: KeptDeployment) -> dict[str, Any]:
    """What the row shows of a kept deployment."""
    way = deployment.way
    settings = {name: deployment.settings.get(its[way], "") for name, its in _SETTINGS.items() if way in its}
    return {
        "name": deployment.name,
        "match": deployment.match.value,
        "branch": deployment.branch,
        "way": way.value,
        "commands": deployment.commands,
        **settings,
    }


def is_filled(row: Mapping[str, Any]) -> bool:
    """Whether there is more in the row than an environment's name."""
    return bool(row.get("branch") or row.get("commands", "").strip() or any(row.get(name) for name in _SETTINGS))


def deployment_of(row: Mapping[str, Any], commands: str) -> KeptDeployment:
    """What was typed into a row; fields of another type than the chosen one are not kept."""
    way = Way(row.get("way") or Way.SCRIPT)
    settings = {its[way]: row[name] for name, its in _SETTINGS.items() if way in its and row.get(name)}
    return KeptDeployment(
        name=row.get("name") or row.get("branch", ""),
        match=Match(row.get("match") or Match.EXACTLY),
        branch=row.get("branch", ""),
        commands=commands if way is Way.SCRIPT else "",
        way=way,
        settings=settings,
    )
