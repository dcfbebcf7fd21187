"""Where services and steps are written, and for which push: what every reader of them needs to know."""

from __future__ import annotations

from dataclasses import dataclass, field

from builds.pipeline.gotemplate.expand import Templates
from builds.pipeline.nodes import Entry
from builds.pipeline.plan import PlanContext
from builds.pipeline.section import Section


@dataclass(frozen=True)
class Origin:
    """The folder that paths start in, the push, and how strict to be: `strict` is ciservice.yml."""

    base: str
    context: PlanContext
    strict: bool
    templates: Templates = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "templates", Templates(self.context))

    def refuse(self, section: Section, text: str, place: Entry | None) -> None:
        """What can be written and never run: an error in ciservice.yml; with CodeShip the step that needed it failed."""
        complain = section.report.error if self.strict else section.report.refuse
        complain(text, place)
