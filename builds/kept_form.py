"""The form of pipelines that are kept in a project's settings: some fields, and rows of pipelines and deployments."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import QueryDict

from builds.kept_deployment_form import DeploymentForm, commands_field, deployment_of, initial_of, is_filled
from builds.pipeline.basic import Kept, KeptDeployment, KeptPipeline
from builds.pipeline.plan import Problem

MOST_ROWS = 20


class _Top(forms.Form):
    image = forms.CharField(
        max_length=300, required=False, label="Image", help_text="Such as node:22. Empty: the instance's own."
    )
    setup = commands_field("Set-up commands", "They run first in every pipeline, in the same shell. A command a line.")


class _Pipeline(forms.Form):
    name = forms.CharField(max_length=100, required=False)
    commands = commands_field("Test commands")


_Pipelines = forms.formset_factory(_Pipeline, extra=1, max_num=MOST_ROWS, absolute_max=MOST_ROWS + 5)
_Deployments = forms.formset_factory(DeploymentForm, extra=1, max_num=MOST_ROWS, absolute_max=MOST_ROWS + 5)


class KeptForm:
    """All of it; a row without a name, a branch and commands is none."""

    def __init__(self, kept: Kept, data: QueryDict | None = None) -> None:
        first = {"name": "test", "commands": ""}
        pipelines = [{"name": one.name, "commands": one.commands} for one in kept.pipelines] or [first]
        deployments = [initial_of(one) for one in kept.deployments]
        initial = {"image": kept.image, "setup": kept.setup}
        self.top = _Top(data, initial=initial, prefix="top")
        self.pipelines: Any = _Pipelines(data, initial=pipelines, prefix="pipelines")
        self.deployments: Any = _Deployments(data, initial=deployments, prefix="deployments")

    @classmethod
    def of_post(cls, data: QueryDict) -> KeptForm:
        """What was sent."""
        form = cls(Kept(), data)
        for part in (form.top, form.pipelines, form.deployments):
            part.is_valid()
        return form

    def kept(self) -> Kept:
        """What was typed, as far as it has the right shape."""
        top = self.top.cleaned_data
        return Kept(
            image=top.get("image", ""),
            setup=_lines(top.get("setup", "")),
            pipelines=tuple(
                KeptPipeline(name=row.get("name") or "test", commands=_lines(row.get("commands", "")))
                for row in _filled(self.pipelines)
            ),
            deployments=tuple(deployment_of(row, _lines(row.get("commands", ""))) for row in _filled(self.deployments)),
        )

    def problems(self) -> list[Problem]:
        """What is wrong before anything is made of it."""
        found = [*_errors(self.top), *(error for part in (self.pipelines, self.deployments) for error in _all(part))]
        kept = self.kept()
        names = [row.name for row in kept.pipelines]
        found += [f"Two pipelines are called {name}." for name in dict.fromkeys(names) if names.count(name) > 1]
        found += [f"{name}: all of its deployments need the same branch." for name in _torn(kept.deployments)]
        found += [f"{row.name or 'A deployment'} needs a branch." for row in kept.deployments if not row.branch]
        if not all(_is_printable(text) for text in _texts(kept)):
            found.append("A text holds a character that cannot be printed: take it out.")
        return [Problem(text=text) for text in found]


def _torn(deployments: tuple[KeptDeployment, ...]) -> list[str]:
    """Environments with several rules."""
    rules: dict[str, set[tuple[str, str]]] = {}
    for row in deployments:
        rules.setdefault(row.name, set()).add((row.match, row.branch))
    return [name for name, those in rules.items() if len(those) > 1]


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n").strip("\n")


def _texts(kept: Kept) -> list[str]:
    pipelines = [text for row in kept.pipelines for text in (row.name, row.commands)]
    deployments = [
        text
        for row in kept.deployments
        for text in (row.name, row.branch, row.commands, *map(str, row.settings.values()))
    ]
    return [kept.image, kept.setup, *pipelines, *deployments]


def _is_printable(text: str) -> bool:
    return all(character.isprintable() or character in "\n\t" for character in text)


def _filled(rows: Any) -> list[dict[str, Any]]:
    return [row for form in rows.forms if is_filled(row := getattr(form, "cleaned_data", {}))]


def _errors(form: forms.Form) -> list[str]:
    return [f"{form.fields[name].label or name}: {error}" for name, errors in form.errors.items() for error in errors]


def _all(rows: Any) -> list[str]:
    return [*map(str, rows.non_form_errors()), *(error for form in rows.forms for error in _errors(form))]
