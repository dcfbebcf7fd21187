"""Push steps, and who to be at a registry: keys of steps, groups and services that say where credentials come from."""

from __future__ import annotations

from dataclasses import dataclass

from builds.pipeline.gotemplate.errors import EmptyTagError, TemplateError
from builds.pipeline.nodes import Entry
from builds.pipeline.origin import Origin
from builds.pipeline.paths import PathError, inside
from builds.pipeline.report import Report, clean
from builds.pipeline.section import Section
from runners.contract import PushSpec


@dataclass(frozen=True)
class Credentials:
    """A file of the checkout that holds them encrypted, or the service that writes them; the file wins."""

    path: str = ""
    service: str = ""


def read_credentials(section: Section, origin: Origin) -> Credentials:
    """What the section says; empty where it says nothing. The service's name is not checked."""
    path = section.text("encrypted_dockercfg_path")
    if path:
        try:
            path = inside(origin.base, path)
        except PathError as error:
            # As it stands, the executor refuses to read it: so fails the step that needs it.
            if origin.strict:
                section.report.error(f"`encrypted_dockercfg_path`: {error}", section.entry("encrypted_dockercfg_path"))
    return Credentials(path, section.text("dockercfg_service"))


def read_push(section: Section, origin: Origin, *, name: str, service: str) -> tuple[PushSpec, str]:
    """Where the image goes: name, tag and registry, the tag's template put in; and why nothing can go there, "" = it can."""
    image = section.text("image_name")
    if not image:
        text = "`type: push` needs `image_name`: where the image of the service goes, such as `owner/name`"
        section.report.error(text, section.entry("type"))
    if "{{" in image or any(character.isspace() for character in image):
        text = f"`image_name`: `{clean(image, 80)}` is not the name of an image; templates are for `image_tag`"
        section.report.error(text, section.entry("image_name"))
    tag, refused = section.text("image_tag"), ""
    try:
        tag = origin.templates.tag(tag, StepName=name, ServiceName=service, ImageName=image) if tag else ""
    except EmptyTagError as error:
        tag, refused = "", f"`image_tag`: {error}."
    except TemplateError as error:
        complain("`image_tag`", error, section.report, section.entry("image_tag"))
    return PushSpec(image_name=image, image_tag=tag, registry=section.text("registry")), refused


def complain(what: str, error: TemplateError, report: Report, place: Entry | None) -> None:
    """Report what is wrong with a template, with the name that was probably meant."""
    hint = f": {report.did_you_mean(error.word, error.known)}" if error.word else ""
    report.error(f"{what}: {error}{hint}", place)
