"""CodeShip's Go templates, as far as they are one variable: `{{ .Branch }}`."""

from __future__ import annotations

import re

from builds.pipeline.plan import PlanContext

_VARIABLE = re.compile(r"\{\{-?[ \t]*\.([A-Za-z]{1,40})[ \t]*-?\}\}")


class TemplateError(ValueError):
    """The template wants what is not known here."""


def expand(text: str, context: PlanContext) -> str:
    """The text with its variables put in. Raises TemplateError."""
    values = {
        "Branch": context.branch,
        "CommitID": context.commit,
        "CommitMessage": context.message,
        "Ci": "true",
        "CiName": "codeship",
    }

    def value(found: re.Match[str]) -> str:
        if found[1] not in values:
            known = ", ".join(f"`.{name}`" for name in values)
            raise TemplateError(
                f"the template variable `.{found[1]}` is not supported by this version yet, only {known}"
            )
        return values[found[1]]

    if "{{" in _VARIABLE.sub("", text):
        raise TemplateError(
            "this template is not supported by this version yet, only variables such as `{{ .Branch }}`"
        )
    return _VARIABLE.sub(value, text)
