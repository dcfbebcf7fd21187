"""Services: layouts, both generations of build keys, keys that are ignored, anchors, and images in the order of steps."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.docker


def dockerfile(word: str) -> str:
    return f"FROM IMAGE\nRUN echo {word} > /word\n"


WORDS = {
    "Dockerfile": dockerfile("root"),
    "Dockerfile.build": dockerfile("beside"),
    "web/Dockerfile": dockerfile("folder"),
    "web/Dockerfile.ci": dockerfile("old"),
    "ci/Dockerfile.new": dockerfile("outside-of-its-context"),
}


def test_every_way_to_say_what_is_built(passes):
    services = """
        text: {build: ., ports: ["80:80"], container_name: x, privileged: true, nonsense: 1}
        beside: {build: ./, dockerfile: Dockerfile.build}
        folder: {build: ./web}
        old: {build: {path: web, dockerfile_path: Dockerfile.ci, image: shop/old}}
        new: {build: {context: web, dockerfile: ../ci/Dockerfile.new}}
        unused: {build: {context: nowhere}, encrypted_env_file: nothing}
    """
    names = ("text", "beside", "folder", "old", "new")
    steps = "\n".join(f"- {{name: {name}, service: {name}, command: cat /word}}" for name in names)
    ran = passes(steps, services, WORDS)
    said = [ran.last(name) for name in names]
    assert said == ["root", "beside", "folder", "old", "outside-of-its-context"]
    warned = {problem.key for problem in ran.plan.warnings}
    assert warned == {"privileged", "nonsense"}


def test_composes_layout_anchors_and_keys_that_are_given_twice(passes):
    services = """
        version: '3.7'
        volumes: {data: {}}
        services:
          base: &base
            image: nowhere.invalid/never-pulled
            environment: &env {WHO: base, PORT: 3306}
            cached: true
          app:
            <<: *base
            image: IMAGE
            environment: {<<: *env, WHO: app}
          app.dotted-Name_1: {image: IMAGE, working_dir: /first, working_dir: /tmp}
    """
    steps = """
        - {name: env, service: app, command: env}
        - {name: where, service: app.dotted-Name_1, command: pwd}
    """
    ran = passes(steps, services)
    assert {"WHO=app", "PORT=3306"} <= set(ran.text("env").splitlines())
    assert ran.last("where") == "/tmp"
    assert any("`working_dir` is given twice" in str(problem) for problem in ran.plan.warnings)


def test_images_are_built_when_a_step_first_needs_them_and_once(passes):
    services = """
        maker: {image: IMAGE, volumes: ["./tmp:/made"]}
        base: {build: {dockerfile: Dockerfile.base, image: shop/base}}
        app: {build: {dockerfile: Dockerfile.app, image: shop/app, args: {COMMIT: "{{ printf `%.6s` .CommitID }}"}}}
    """
    steps = """
        - {name: make, service: maker, command: sh -c "echo made > /made/artifact"}
        - {name: first, service: app, command: cat /artifact /commit /base}
        - {name: second, service: app, command: cat /artifact}
        - {name: base, service: base, command: "true"}
    """
    files = {
        "Dockerfile.base": "FROM IMAGE\nRUN echo stage > /base\n",
        "Dockerfile.app": "FROM shop/base\nARG COMMIT\nADD tmp/artifact /artifact\nRUN echo $COMMIT > /commit\n",
    }
    ran = passes(steps, services, files)
    assert ran.text("first").splitlines()[-3:] == ["made", "c0ffee", "stage"]
    assert ran.text("second") == "made\n"
    assert ran.text("base") == ""


def test_a_service_whose_image_cannot_be_built_fails_the_step_that_needs_it(go):
    services = "app: {image: IMAGE}\nbad: {build: {dockerfile: Dockerfile.bad}}"
    steps = """
        - {name: fine, service: app, command: "true"}
        - {name: needs it, service: bad, command: "true"}
        - {name: later, service: app, command: "true"}
    """
    ran = go(steps, services, {"Dockerfile.bad": "FROM IMAGE\nRUN exit 3\n"})
    assert ran.outcomes == {"fine": "passed", "needs it": "failed", "later": "skipped"}
