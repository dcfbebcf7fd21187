"""The door of the package: a text with `{{ }}` in it, and a push, to the text that is meant."""

from __future__ import annotations

import re

from builds.pipeline.gotemplate.errors import EmptyTagError
from builds.pipeline.gotemplate.evaluate import Purse, evaluate
from builds.pipeline.gotemplate.functions import Value
from builds.pipeline.gotemplate.parser import parse
from builds.pipeline.gotemplate.times import Moment
from builds.pipeline.plan import PlanContext

MAX_TAG = 128
_NOT_IN_A_TAG = re.compile(r"[^A-Za-z0-9_.-]+")


class Templates:
    """The templates of one file: all see the same push, and spend from one budget."""

    def __init__(self, context: PlanContext) -> None:
        self._purse = Purse()
        self._fields = _fields(context)

    def text(self, template: str, **more: str) -> str:
        """The text with everything put in; `more` are fields of the place: StepName, ServiceName, ImageName.

        Raises TemplateError.
        """
        if "{{" not in template:
            return template
        return evaluate(parse(template), {**self._fields, **more}, self._purse)

    def tag(self, template: str, **more: str) -> str:
        """The tag of an image, without what a tag cannot have: `feature/x` becomes `featurex`. Raises TemplateError."""
        text = self.text(template, **more)
        tag = _NOT_IN_A_TAG.sub("", text).lstrip(".-")[:MAX_TAG]
        if not tag and template:
            raise EmptyTagError("nothing is left for the tag: it has letters, digits, `_`, `.` and `-` only")
        return tag


def _fields(context: PlanContext) -> dict[str, Value]:
    return {
        "ProjectID": context.project_id,
        "BuildID": context.build_id,
        "RepoName": context.repository,
        "Branch": context.branch,
        "CommitID": context.commit,
        "CommitMessage": context.message,
        "CommitDescription": context.description,
        "CommitterName": context.committer_name,
        "CommitterEmail": context.committer_email,
        "CommitterUsername": context.committer_username,
        "Time": Moment(context.queued_at),
        "Timestamp": int(context.queued_at.timestamp()),
        "StringTime": context.queued_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "Ci": True,
        "CiName": "codeship",
    }
