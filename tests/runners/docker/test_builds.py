"""Images built from the checkout, when a step first needs them."""

from __future__ import annotations

import os
import secrets

import pytest

from runners.contract import Failure, ImageBuild, Mount, MountKind, Outcome, ServiceSpec, StepSpec
from tests.runners.jobs import run

pytestmark = pytest.mark.docker


def built(name: str = "app", **fields) -> ServiceSpec:
    return ServiceSpec(name=name, build=ImageBuild(**fields))


def test_a_dockerfile_with_arguments_is_built_once_and_shown(perform, docker_image, project):
    (project / "docker").mkdir()
    (project / "docker" / "App.Dockerfile").write_text(
        f'FROM {docker_image}\nARG GREETING\nCOPY note /note\nRUN echo "$GREETING" > /greeting\n'
    )
    (project / "docker" / "note").write_text("from the context\n")
    service = built(context="docker", dockerfile="App.Dockerfile", args={"GREETING": secrets.token_hex(4)})
    step = run("read", "cat /note /greeting", service="app")

    [(result, text), (_, again)] = perform(step, step, services=[service])

    assert result.outcome is Outcome.PASSED, text
    assert "COPY note /note" in text
    assert text.endswith(f"from the context\n{service.build.args['GREETING']}\n")
    assert again == f"from the context\n{service.build.args['GREETING']}\n"


def test_what_a_step_wrote_into_the_checkout_goes_into_a_later_build(perform, docker_image, project):
    (project / "Dockerfile").write_text(f"FROM {docker_image}\nCOPY made /made\n")
    maker = ServiceSpec(
        name="maker", image=docker_image, mounts=(Mount(kind=MountKind.CHECKOUT, source=".", target="/src"),)
    )

    [_, (result, text)] = perform(
        run("make", "date +%s > /src/made", service="maker"),
        run("read", "test -s /made", service="app"),
        services=[maker, built()],
    )

    assert result.outcome is Outcome.PASSED, text


def test_the_dockerignore_decides_what_the_build_sees(perform, docker_image, project):
    for path in ("keep/a", "drop/b", "drop/but/c", "secret.key", "sub/other.key"):
        (project / path).parent.mkdir(parents=True, exist_ok=True)
        (project / path).write_text(path)
    (project / ".dockerignore").write_text("# a comment\ndrop\n!drop/but\n**/*.key\n")
    (project / "Dockerfile").write_text(f"FROM {docker_image}\nCOPY . /all\n")

    [(_, text)] = perform(run("list", "cd /all && find . -type f | sort", service="app"), services=[built()])

    listed = [line for line in text.splitlines() if line.startswith("./")]
    assert listed == ["./.dockerignore", "./Dockerfile", "./drop/but/c", "./keep/a"]


def test_links_out_of_the_checkout_are_never_followed(perform, docker_image, project, tmp_path):
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret").write_text("of the host")
    (project / "out").symlink_to(tmp_path / "outside")
    (project / "file").symlink_to(tmp_path / "outside" / "secret")
    (project / "inner").mkdir()
    (project / "inner" / "Dockerfile").symlink_to(tmp_path / "outside" / "secret")
    (project / "Dockerfile").write_text(f"FROM {docker_image}\nCOPY . /all\n")
    steps = [run(name, "cat /all/out/secret /all/file; true", service=name) for name in ("whole", "context", "recipe")]

    [(_, whole), (context, _), (recipe, _)] = perform(
        *steps, services=[built("whole"), built("context", context="out"), built("recipe", context="inner")]
    )

    assert "of the host" not in whole
    assert whole.count("can't open") == 2
    assert [context.failure, recipe.failure] == [Failure.SPEC, Failure.SPEC]
    assert "leads out of the repository" in context.reason + recipe.reason


def test_a_failing_build_is_the_projects_failure(perform, docker_image, project):
    (project / "Dockerfile").write_text(f"FROM {docker_image}\nRUN echo trying && exit 7\n")

    [(result, text)] = perform(run("x", "echo ran", service="app"), services=[built()])

    assert (result.outcome, result.failure) == (Outcome.FAILED, Failure.IMAGE)
    assert "non-zero code: 7" in result.reason
    assert "trying" in text


def test_a_tag_names_the_image_within_the_job_and_nowhere_else(perform, docker_image, docker_engine, project):
    tag = f"base-{secrets.token_hex(4)}"
    (project / "Base").write_text(f"FROM {docker_image}\nRUN echo base > /base\n")
    (project / "Dockerfile").write_text(f"FROM {tag} AS one\nFROM one\nCOPY --from={tag} /base /copy\n")
    user = ServiceSpec(name="user", image=tag)

    [(result, text), (second, _)] = perform(
        run("x", "cat /base /copy", service="app"),
        StepSpec(name="y", service="user", command=("cat", "/base")),
        services=[built("base", dockerfile="Base", tag=tag), built(), user],
    )

    assert result.outcome is second.outcome is Outcome.PASSED, text
    assert docker_engine.images.list(name=tag) == []


def test_a_dockerfile_beside_its_context_is_found(perform, docker_image, project):
    (project / "code").mkdir()
    (project / "code" / "file").write_text("x")
    (project / "Outer").write_text(f"FROM {docker_image}\nCOPY file /file\n")

    [(result, text)] = perform(
        run("x", "cat /file", service="app"), services=[built(context="code", dockerfile="../Outer")]
    )

    assert result.outcome is Outcome.PASSED, text


def test_a_pipe_in_the_context_holds_nobody_up(perform, docker_image, project):
    os.mkfifo(project / "pipe")
    (project / "Dockerfile").write_text(f"FROM {docker_image}\nCOPY . /all\n")

    [(result, text)] = perform(run("x", "test ! -e /all/pipe", service="app"), services=[built()])

    assert result.outcome is Outcome.PASSED, text
