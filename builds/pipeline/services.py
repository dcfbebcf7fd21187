"""Services: one map of a services file to what the engine runs. CodeShip's files and ciservice.yml share it."""

from __future__ import annotations

import ipaddress
import posixpath
from dataclasses import dataclass, field, replace

from builds.pipeline.gotemplate.errors import TemplateError
from builds.pipeline.health import read_health
from builds.pipeline.keys import BUILD, SERVICE
from builds.pipeline.nodes import Entry, Mapping, Mark, Scalar
from builds.pipeline.origin import Origin
from builds.pipeline.paths import PathError, inside
from builds.pipeline.pushes import complain, read_credentials
from builds.pipeline.report import Report, clean
from builds.pipeline.section import Section, is_null
from builds.pipeline.volumes import VolumeTerms, read_volumes
from runners.contract import ImageBuild, Link, Mount, ServiceSpec

MAX_NAME = 200
MAX_REFUSALS = 3  # are told to a step; the page of the build has them all


@dataclass(frozen=True)
class Service:
    """One service and what is wrong with it; the errors count only where a step needs it."""

    spec: ServiceSpec
    mark: Mark
    report: Report = field(compare=False)


def read_service(entry: Entry, origin: Origin, report: Report) -> Service:
    """The service under its name. `report` is for it alone and kept with it."""
    name = entry.key
    if not name.strip() or len(name) > MAX_NAME:
        report.error(f"the name of a service has 1 to {MAX_NAME} characters", entry)
    if not isinstance(entry.node, Mapping):
        report.error(f"the service `{clean(name, 80)}` needs a map with `image` or `build`", entry)
        return Service(ServiceSpec(name=name), entry.mark, report)
    section = Section(entry.node, SERVICE, report, strict=origin.strict)
    build = _build(section, origin)
    image = section.text("image")
    if not section.has("build") and not section.has("image"):
        report.error(f"the service `{clean(name, 80)}` has neither `image` nor `build`", entry)
    if build is not None and image:
        report.warn(f"the service `{clean(name, 80)}` has both `image` and `build`: it is built", entry)
        image = ""
    if image and any(character.isspace() for character in image):
        report.error(f"`{clean(image, 80)}` is not the name of an image", section.entry("image"))
    credentials = read_credentials(section, origin)
    spec = ServiceSpec(
        name=name,
        image=image,
        build=build,
        command=section.argv("command"),
        entrypoint=section.argv("entrypoint"),
        environment=section.pairs("environment"),
        encrypted_environment=section.ciphertexts("encrypted_environment"),
        env_files=_files(section, "env_file", origin),
        encrypted_env_files=_files(section, "encrypted_env_file", origin),
        mounts=_mounts(section, origin),
        volumes_from=_volumes_from(section),
        depends_on=_links(section),
        working_dir=_working_dir(section, origin),
        user=section.text("user"),
        hostname=section.text("hostname"),
        extra_hosts=_extra_hosts(section, origin),
        health=read_health(section, origin),
        add_docker=section.flag("add_docker"),
        cached=section.flag("cached"),
        default_cache_branch=section.text("default_cache_branch"),
        encrypted_dockercfg_path=credentials.path,
        dockercfg_service=credentials.service,
    )
    refused = " ".join(f"{problem}." for problem in report.refusals[:MAX_REFUSALS])
    return Service(replace(spec, refused=refused), entry.mark, report)


def _build(section: Section, origin: Origin) -> ImageBuild | None:
    found = section.entry("build")
    if found is None or is_null(found.node):
        return None
    beside = section.text("dockerfile")
    if isinstance(found.node, Scalar):
        return _image_build(section, {"context": found.node.text.strip(), "dockerfile": beside}, origin)
    if not isinstance(found.node, Mapping):
        section.report.error("`build` needs a folder or a map", found)
        return None
    build = Section(found.node, BUILD, section.report, strict=origin.strict)
    values = {
        "context": build.text("context", "path"),
        "dockerfile": build.text("dockerfile", "dockerfile_path") or beside,
        "tag": build.text("image", "name"),
        "target": build.text("target"),
    }
    made = _image_build(section, values, origin)
    if made is None:
        return None
    return replace(
        made,
        args=_args(build, origin),
        encrypted_args=build.ciphertexts("encrypted_args"),
        encrypted_args_files=_files(build, "encrypted_args_file", origin),
    )


def _image_build(section: Section, values: dict[str, str], origin: Origin) -> ImageBuild | None:
    place = section.entry("build")
    context = values["context"] or "."
    dockerfile = values["dockerfile"] or "Dockerfile"
    if "://" in context or context.startswith("git@"):
        section.report.error(f"`{clean(context, 80)}`: only folders of the checkout can be built", place)
        return None
    try:
        folder = inside(origin.base, context)
        inside(folder, dockerfile)
    except PathError as error:
        origin.refuse(section, f"`build`: {error}", place)
        folder, dockerfile = ".", "Dockerfile"
    return ImageBuild(
        context=folder,
        dockerfile=posixpath.normpath(dockerfile),
        tag=values.get("tag", ""),
        target=values.get("target", ""),
    )


def _args(build: Section, origin: Origin) -> dict[str, str]:
    args: dict[str, str] = {}
    for name, value in build.pairs("args").items():
        try:
            args[name] = origin.templates.text(value)
        except TemplateError as error:
            complain(f"`{clean(name, 80)}`", error, build.report, build.entry("args"))
    return args


def _files(section: Section, key: str, origin: Origin) -> tuple[str, ...]:
    """Paths of files in the checkout."""
    found: list[str] = []
    for path in section.texts(key):
        try:
            found.append(inside(origin.base, path.strip()))
        except PathError as error:
            origin.refuse(section, f"`{key}`: {error}", section.entry(key))
    return tuple(found)


def _mounts(section: Section, origin: Origin) -> tuple[Mount, ...]:
    entry = section.entry("volumes")
    if entry is None or is_null(entry.node):
        return ()
    terms = VolumeTerms(base=origin.base, strict=origin.strict, add_docker=section.flag("add_docker"))
    return read_volumes(entry, terms, section.report)


def _volumes_from(section: Section) -> tuple[str, ...]:
    names: list[str] = []
    for word in section.texts("volumes_from"):
        name = word.strip().removesuffix(":ro").removesuffix(":rw")
        if name.startswith("container:"):
            section.report.error(
                "`volumes_from` knows services only, no other containers", section.entry("volumes_from")
            )
        elif name:
            names.append(name)
    return tuple(dict.fromkeys(names))


def _links(section: Section) -> tuple[Link, ...]:
    """`depends_on` before `links`, each pair of service and alias once."""
    found: list[Link] = []
    for key in ("depends_on", "links"):
        entry = section.entry(key)
        if entry is None:
            continue
        if isinstance(entry.node, Mapping):  # Compose's map with conditions
            found += [Link(service=item.key) for item in entry.node.entries]
            continue
        for word in section.texts(key):
            service, _, alias = word.strip().partition(":")
            if service:
                found.append(Link(service=service, alias="" if alias == service else alias))
    return tuple(dict.fromkeys(found))


def _working_dir(section: Section, origin: Origin) -> str:
    path = section.text("working_dir")
    if path and not path.startswith("/"):
        text = f"`working_dir` needs an absolute path, not `{clean(path, 80)}`"
        origin.refuse(section, text, section.entry("working_dir"))
    return path


def _extra_hosts(section: Section, origin: Origin) -> tuple[str, ...]:
    entry = section.entry("extra_hosts")
    if entry is None or is_null(entry.node):
        return ()
    if isinstance(entry.node, Mapping):
        hosts = tuple(f"{name}:{address}" for name, address in section.pairs("extra_hosts").items())
    else:
        hosts = tuple(host.strip() for host in section.texts("extra_hosts"))
    return tuple(host for host in hosts if _is_host(host, entry, section, origin))


def _is_host(host: str, entry: Entry, section: Section, origin: Origin) -> bool:
    name, _, address = host.partition(":")
    if address == "host-gateway":
        text = f"`extra_hosts`: `{clean(host, 80)}` would lead to the machine that the job runs on"
        if origin.strict:
            section.report.error(f"{text}, and is not allowed", entry)
        else:
            section.report.warn(f"{text}: ignored", entry)
        return False
    try:
        ipaddress.ip_address(address.strip("[]"))
    except ValueError:
        origin.refuse(section, f"`extra_hosts` needs name:address, not `{clean(host, 80)}`", entry)
        return False
    return bool(name)
