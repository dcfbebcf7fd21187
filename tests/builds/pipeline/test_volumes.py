"""Volumes: folders of the checkout, named and anonymous ones, and what would leave the checkout."""

from __future__ import annotations

import pytest

from runners.contract import Mount, MountKind
from tests.builds.pipeline.helpers import codeship, native, problems, service, warnings


def checkout(source: str, target: str, **more: bool) -> Mount:
    return Mount(kind=MountKind.CHECKOUT, source=source, target=target, **more)


def either(source: str, target: str) -> Mount:
    return Mount(kind=MountKind.NAMED, source=source, target=target, either=True)


@pytest.mark.parametrize(
    ("volume", "mount"),
    [
        ("./tmp:/data", checkout("tmp", "/data")),
        (".:/app/", checkout(".", "/app")),
        ("./:/app", checkout(".", "/app")),
        ("./a/../b:/app", checkout("b", "/app")),
        (".ssh:/root/.ssh", checkout(".ssh", "/root/.ssh")),
        ("tmp/out:/out", checkout("tmp/out", "/out")),
        ("./keys:/keys:ro", checkout("keys", "/keys", read_only=True)),
        ("./keys:/keys:rw", checkout("keys", "/keys")),
        ("./keys:/keys:ro,z", checkout("keys", "/keys", read_only=True)),
        ("/artifacts", Mount(kind=MountKind.ANONYMOUS, target="/artifacts")),
        ("k8s:/k8s", either("k8s", "/k8s")),
        ("wocky-deploy:/x", either("wocky-deploy", "/x")),
    ],
)
def test_forms(volume: str, mount: Mount) -> None:
    assert service(f"{{image: x, volumes: ['{volume}']}}").mounts == (mount,)
    assert service(f"{{image: x, volumes: '{volume}'}}").mounts == (mount,)


@pytest.mark.parametrize(
    ("volume", "mount"),
    [
        ("{type: bind, source: ./a, target: /a, read_only: true}", checkout("a", "/a", read_only=True)),
        ("{type: bind, source: a, target: /a}", checkout("a", "/a")),
        ("{type: volume, source: a, target: /a}", either("a", "/a")),
        ("{type: volume, target: /a}", Mount(kind=MountKind.ANONYMOUS, target="/a")),
    ],
)
def test_the_long_form(volume: str, mount: Mount) -> None:
    assert service(f"{{image: x, volumes: [{volume}]}}").mounts == (mount,)


def test_nothing() -> None:
    assert service("{image: x, volumes: }").mounts == ()
    assert service("{image: x, volumes: []}").mounts == ()


@pytest.mark.parametrize(
    ("volume", "said"),
    [
        ("/tmp:/tmp", "`/tmp` is a path of the host"),
        ("/:/host", "`/` is a path of the host"),
        ("/etc/passwd:/x:ro", "`/etc/passwd` is a path of the host"),
        ("/var/run/../../etc:/x", "is a path of the host"),
        ("../other:/x", "`../other` climbs out of the checkout"),
        ("./a/../../b:/x", "climbs out of the checkout"),
        ("~/.ssh:/x", "home folder of the host"),
        ("${HOME}/.ssh:/x", "variables are not put in"),
        ("./a:b", "`b` has to be an absolute path"),
        ("data", "`data` has to be an absolute path"),
        ("./a:/", "nothing can be mounted over"),
        ("./a:/x/..", "nothing can be mounted over"),
        ("./a:/b:exec", "mode `exec` is not known"),
        ("a:b:c:d", "more than source, target and mode"),
        ("a b:/x", "neither a path nor the name of a volume"),
    ],
)
def test_what_cannot_be_mounted_is_the_failure_of_whoever_needs_it(volume: str, said: str) -> None:
    text = f"{{image: x, volumes: ['{volume}', './a:/a']}}"
    plan = codeship("- {service: app, command: ls}", f"app: {text}\nother: {{image: x}}")
    (spec,) = plan.pipelines[0].services
    assert spec.refused.startswith("codeship-services.yml:1:")
    assert said in spec.refused
    assert spec.mounts == (checkout("a", "/a"),)
    (warning,) = warnings(plan)
    assert said in warning
    assert warning.endswith("every step that needs the service will fail")
    assert warnings(codeship("- {service: other, command: ls}", f"app: {text}\nother: {{image: x}}")) == []
    (problem,) = problems(native, f"services:\n  app: {text}\nsteps: [ls]")
    assert said in problem


@pytest.mark.parametrize("source", ["/dev/shm", "/dev/shm/", "/dev/../dev/shm"])
def test_the_hosts_shared_memory_is_the_containers_own_in_codeships_files_and_an_error_in_ours(source: str) -> None:
    text = f"{{image: x, volumes: ['{source}:/dev/shm', './a:/a']}}"
    plan = codeship("- {service: app, command: ls}", f"app: {text}")
    (spec,) = plan.pipelines[0].services
    assert (spec.mounts, spec.refused) == ((checkout("a", "/a"),), "")
    assert f"the volume `{source}` is ignored" in warnings(plan)[0]
    (problem,) = problems(native, f"services:\n  app: {text}\nsteps: [ls]")
    assert "is not allowed" in problem


@pytest.mark.parametrize("source", ["/var/run/docker.sock", "/run/docker.sock", "/var/run/../run/docker.sock"])
def test_the_docker_socket_is_that_of_the_jobs_own_engine_or_none(source: str) -> None:
    volumes = f"volumes: ['{source}:/var/run/docker.sock', './a:/a']"
    with_engine = service(f"{{image: x, add_docker: true, {volumes}}}")
    assert (with_engine.mounts, with_engine.refused) == ((checkout("a", "/a"),), "")
    assert "`add_docker: true` gives the service an engine" in service(f"{{image: x, {volumes}}}").refused
    for docker in ("true", "false"):
        text = f"services:\n  app: {{image: x, add_docker: {docker}, {volumes}}}\nsteps: [ls]"
        (problem,) = problems(native, text)
        assert "is the host's Docker engine" in problem
