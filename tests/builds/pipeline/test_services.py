"""Services: every key and spelling of a services file, and which services a pipeline takes along."""

from __future__ import annotations

import pytest

from builds.pipeline.make import make
from runners.contract import HealthCheck, ImageBuild, Link
from tests.builds.pipeline.helpers import COMMIT, codeship, context, native, problems, service, warnings


@pytest.mark.parametrize(
    ("text", "build"),
    [
        ("{build: .}", ImageBuild()),
        ("{build: ./dir}", ImageBuild(context="dir")),
        ("{build: ./, dockerfile: Dockerfile.build}", ImageBuild(dockerfile="Dockerfile.build")),
        ("{build: {}}", ImageBuild()),
        ("{build: {dockerfile_path: ci/Dockerfile}}", ImageBuild(dockerfile="ci/Dockerfile")),
        ("{build: {path: web, dockerfile_path: D}}", ImageBuild(context="web", dockerfile="D")),
        ("{build: {context: web/, dockerfile: ../D}}", ImageBuild(context="web", dockerfile="../D")),
        ("{build: {context: a, path: b, dockerfile: c, dockerfile_path: d}}", ImageBuild(context="a", dockerfile="c")),
        ("{build: {image: shop/base}}", ImageBuild(tag="shop/base")),
        ("{build: {name: base}}", ImageBuild(tag="base")),
        ("{build: {image: a, target: test}, dockerfile: D}", ImageBuild(dockerfile="D", tag="a", target="test")),
        ("{build: {args: {A: 10.10, B: yes, C: }}}", ImageBuild(args={"A": "10.10", "B": "yes", "C": ""})),
        ("{build: {args: ['A=1=2', 'B=']}}", ImageBuild(args={"A": "1=2", "B": ""})),
        ("{build: {args: {A: '{{ .Branch }}-{{.CommitID}}'}}}", ImageBuild(args={"A": f"main-{COMMIT}"})),
        ("{build: {args: {A: '{{if .Ci}}{{.CiName}}{{end}}'}}}", ImageBuild(args={"A": "codeship"})),
        ("{build: {encrypted_args: abc=}}", ImageBuild(encrypted_args=("abc=",))),
        ("{build: {encrypted_args: [a, b]}}", ImageBuild(encrypted_args=("a", "b"))),
        ("{build: {encrypted_args_file: ./a}}", ImageBuild(encrypted_args_files=("a",))),
        ("{build: {encrypted_args_file: [a, b/c]}}", ImageBuild(encrypted_args_files=("a", "b/c"))),
    ],
)
def test_builds(text: str, build: ImageBuild) -> None:
    spec = service(text)
    assert (spec.build, spec.image) == (build, "")


def test_an_image_is_taken_as_it_stands() -> None:
    assert service("{image: 'quay.io/shop/app:18.04'}").image == "quay.io/shop/app:18.04"
    assert service("{image: 18.04}").image == "18.04"


@pytest.mark.parametrize(
    ("text", "field", "value"),
    [
        ("command: ./app --port 80", "command", ("./app", "--port", "80")),
        ("command: [sh, -c, 'a b']", "command", ("sh", "-c", "a b")),
        ("command: true", "command", ("true",)),
        ("command: ", "command", None),
        ("entrypoint: npm run", "entrypoint", ("npm", "run")),
        ("entrypoint: []", "entrypoint", ()),
        ("entrypoint: ''", "entrypoint", ()),
        (
            "environment: {A: yes, B: -1, C: 0o7, D: , E: 22:22}",
            "environment",
            {"A": "yes", "B": "-1", "C": "0o7", "D": "", "E": "22:22"},
        ),
        ("environment: [A=1, B=x=y, C=, CI_BRANCH]", "environment", {"A": "1", "B": "x=y", "C": ""}),
        ("environment: ", "environment", {}),
        ("env_file: a.env", "env_files", ("a.env",)),
        ("env_file: [./a.env, ci/b.env]", "env_files", ("a.env", "ci/b.env")),
        ("working_dir: /home", "working_dir", "/home"),
        ("user: 1000", "user", "1000"),
        ("hostname: web.local", "hostname", "web.local"),
        ("extra_hosts: ['a.test:127.0.0.1']", "extra_hosts", ("a.test:127.0.0.1",)),
        ("extra_hosts: {a.test: 10.0.0.1}", "extra_hosts", ("a.test:10.0.0.1",)),
        ("add_docker: true", "add_docker", True),
        ("add_docker: no", "add_docker", False),
        ("cached: true", "cached", True),
        ("cached: no", "cached", False),
        ("default_cache_branch: develop", "default_cache_branch", "develop"),
        ("encrypted_env_file: a.encrypted", "encrypted_env_files", ("a.encrypted",)),
        ("encrypted_env_file: [./a, ci/b]", "encrypted_env_files", ("a", "ci/b")),
        ("encrypted_env_file: ../a", "encrypted_env_files", ()),
        ("encrypted_environment: abc=", "encrypted_environment", ("abc=",)),
        ("encrypted_environment: [abc=, d+/e]", "encrypted_environment", ("abc=", "d+/e")),
        ("encrypted_environment: {ONE: abc=, TWO: d}", "encrypted_environment", ("abc=", "d")),
        ("encrypted_environment: ['codeship:v2\n\nabc=']", "encrypted_environment", ("codeship:v2\nabc=",)),
        ("encrypted_environment: ", "encrypted_environment", ()),
        ("encrypted_dockercfg_path: ./cfg", "encrypted_dockercfg_path", "cfg"),
    ],
)
def test_keys(text: str, field: str, value: object) -> None:
    assert getattr(service("{image: x, " + text + "}"), field) == value


@pytest.mark.parametrize(
    ("text", "health"),
    [
        ("{test: redis-cli ping}", HealthCheck(test=("CMD-SHELL", "redis-cli ping"))),
        ("{test: [CMD, redis-cli, ping]}", HealthCheck(test=("CMD", "redis-cli", "ping"))),
        ("{test: [CMD-SHELL, 'a || b']}", HealthCheck(test=("CMD-SHELL", "a || b"))),
        ("{test: [redis-cli, ping]}", HealthCheck(test=("CMD", "redis-cli", "ping"))),
        ("{test: NONE}", HealthCheck(test=("NONE",))),
        ("{test: ls, disable: true}", HealthCheck(test=("NONE",))),
        ("{interval: 1m30s, retries: 5}", HealthCheck(interval_seconds=90, retries=5)),
        ("{timeout: 500ms, start_period: 1.5s}", HealthCheck(timeout_seconds=0.5, start_period_seconds=1.5)),
        ("{interval: 0s}", HealthCheck()),
        ("{interval: 1us}", HealthCheck(interval_seconds=0.1)),
        ("", None),
    ],
)
def test_health(text: str, health: HealthCheck | None) -> None:
    assert service(f"{{image: x, healthcheck: {text}}}").health == health


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("curl", "`healthcheck` needs a map with `test`"),
        ("{interval: soon}", "`interval` needs a duration"),
        ("{interval: '" + "1" * 5000 + "s'}", "`interval` needs a duration"),
        ("{retries: many}", "`retries` needs a number"),
    ],
)
def test_what_is_no_health_check_is_the_failure_of_who_needs_it(text: str, said: str) -> None:
    assert said in service(f"{{image: x, healthcheck: {text}}}").refused
    assert said in problems(native, f"services:\n  app: {{image: x, healthcheck: {text}}}\nsteps: [ls]")[0]


@pytest.mark.parametrize(
    ("text", "links"),
    [
        ("depends_on: [db, cache]", (Link(service="db"), Link(service="cache"))),
        ("depends_on: db", (Link(service="db"),)),
        ("depends_on: ", ()),
        ("depends_on: {db: {condition: service_healthy}}", (Link(service="db"),)),
        (
            "links: ['db:database', 'db:store']",
            (Link(service="db", alias="database"), Link(service="db", alias="store")),
        ),
        ("links: [db, 'db:db']", (Link(service="db"),)),
        ("links: ['db:x'], depends_on: [db]", (Link(service="db"), Link(service="db", alias="x"))),
    ],
)
def test_dependencies(text: str, links: tuple[Link, ...]) -> None:
    spec = service("{image: x, " + text + "}", db="{image: postgres}", cache="{image: redis}")
    assert spec.depends_on == links


def test_volumes_from() -> None:
    spec = service("{image: x, volumes_from: ['data:ro', data]}", data="{image: busybox, volumes: [/data]}")
    assert spec.volumes_from == ("data",)


@pytest.mark.parametrize(
    "services",
    [
        "app: {image: x}\ndb: {image: y}",
        "version: '3.7'\nservices:\n  app: {image: x}\n  db: {image: y}\nvolumes:\n  data: {}",
        "services:\n  app: {image: x}\n  db: {image: y}",
        "version: 2\nservices: {app: {image: x}, db: {image: y}}\nnetworks: {}",
        "version: '2'\napp: {image: x}",
        "services: {image: y}\napp: {image: x}",
        "services: {build: {context: .}}\napp: {image: x}",
        "services: {build: ., environment: {A: 1}}\napp: {image: x}",
        "services: {app: {image: x}, build: {build: .}}",
        "services: {build: {image: y}, app: {image: x}}",
        '{"app": {"image": "x"}}',
    ],
)
def test_layouts(services: str) -> None:
    plan = codeship("- {service: app, command: ls}", services)
    assert [(spec.name, spec.image) for spec in plan.pipelines[0].services] == [("app", "x")]


@pytest.mark.parametrize(
    "name", ["services", "build", "version", "test/php-7.2", "07data", "web.shop.test", "zkStrata"]
)
def test_names_of_services(name: str) -> None:
    plan = codeship(f"- {{service: {name}, command: ls}}", f"{name}:\n  image: x\n  environment: {{A: 1}}")
    assert [spec.name for spec in plan.pipelines[0].services] == [name]


def test_only_what_the_steps_need_comes_along_in_the_order_of_the_file() -> None:
    services = """
        unused: {build: ../nowhere, encrypted_env_file: x}
        data: {image: d}
        app: {image: a, links: [db], volumes_from: [data]}
        db: {image: b, depends_on: [init]}
        init: {image: i}
        other: {image: o}
    """
    plan = codeship("- {service: app, command: ls}\n- {service: other, command: ls, tag: elsewhere}", services)
    assert [spec.name for spec in plan.pipelines[0].services] == ["data", "app", "db", "init"]


def test_anchors_and_merge_keys() -> None:
    services = """
        base: &base
          build: &build {dockerfile_path: docker/test}
          environment: &env {PORT: 3306, HOST: none}
          cached: true
        app:
          <<: *base
          build: {<<: *build, image: test-7.2, args: {V: "7.2"}}
          environment: {<<: *env, HOST: db}
    """
    spec = codeship("- {service: app, command: ls}", services).pipelines[0].services[0]
    assert spec.build == ImageBuild(dockerfile="docker/test", tag="test-7.2", args={"V": "7.2"})
    assert spec.environment == {"HOST": "db", "PORT": "3306"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{}", "the service `app` has neither `image` nor `build`"),
        ("", "the service `app` needs a map"),
        ("[]", "the service `app` needs a map"),
        ("{image: [a]}", "`image` needs a text, not a list"),
        ("{image: a b}", "`a b` is not the name of an image"),
        ("{build: [a]}", "`build` needs a folder or a map"),
        ("{build: 'https://example.com/x.git'}", "only folders of the checkout can be built"),
        ("{image: x, environment: x}", "`environment` needs a map or a list of NAME=value"),
        ("{image: x, environment: {A: [1]}}", "`A` needs a text, not a list"),
        ("{image: x, environment: ['=1']}", "a variable needs a name"),
        ('{image: x, command: "sh -c \'x"}', "`command`: the quote ' is opened"),
        ("{image: x, add_docker: perhaps}", "`add_docker` needs true or false"),
        ("{image: x, depends_on: [dB]}", "the service `app` needs `dB`, which does not exist: known here: app"),
        ("{image: x, links: [app]}", "services need each other in a circle: app -> app"),
        ("{image: x, volumes_from: ['container:x']}", "`volumes_from` knows services only"),
        (
            "{build: {args: {A: '{{ .Buildid }}'}}}",
            "`A`: there is no `.Buildid` (character 4 of the template): did you",
        ),
        ("{build: {args: {A: '{{ lower .Branch }}'}}}", "`A`: there is no function `lower`"),
        ("{build: {args: {A: '{{ .StepName }}'}}}", "there is no `.StepName`"),
        ("{image: x, dockercfg_service: gen}", "the service `app` needs `gen`, which does not exist"),
        ("{image: x, dockercfg_service: app}", "services need each other in a circle: app -> app"),
        ("{image: x, cached: perhaps}", "`cached` needs true or false"),
    ],
)
def test_what_is_wrong_with_a_service_that_is_needed(text: str, said: str) -> None:
    (problem,) = problems(service, text)
    assert problem.startswith("codeship-services.yml:1:")
    assert said in problem


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{build: ../x}", "`../x` climbs out of the checkout"),
        ("{build: a/../../x}", "climbs out of the checkout"),
        ("{build: /etc}", "`/etc` is a path of the host"),
        ("{build: {dockerfile: ../../D}}", "climbs out of the checkout"),
        ("{build: {context: a, dockerfile: /D}}", "`/D` is a path of the host"),
        ("{image: x, env_file: ../x}", "`env_file`: `../x` climbs out"),
        ("{image: x, env_file: [a, /etc/environment]}", "`env_file`: `/etc/environment` is a path of the host"),
        ("{image: x, working_dir: home}", "`working_dir` needs an absolute path"),
        ("{image: x, extra_hosts: [a]}", "`extra_hosts` needs name:address"),
        ("{image: x, extra_hosts: ['a:b']}", "`extra_hosts` needs name:address"),
    ],
)
def test_what_no_job_is_given_is_the_failure_of_who_needs_it_and_in_our_file_an_error(text: str, said: str) -> None:
    refused = service(text).refused
    assert refused.startswith("codeship-services.yml:1:")
    assert said in refused
    assert said in problems(native, f"services:\n  app: {text}\nsteps: [ls]")[0]


def test_a_circle_is_named_and_ends_the_search() -> None:
    services = "app: {image: x, links: [b]}\nb: {image: x, links: [c, d]}\nc: {image: x, links: [b]}\nd: {image: x}"
    (problem,) = problems(codeship, "- {service: app, command: ls}", services)
    assert "in a circle: b -> c -> b" in problem


def test_a_long_chain_is_followed() -> None:
    chain = "\n".join(f"s{number}: {{image: x, links: [s{number + 1}]}}" for number in range(1500))
    plan = codeship("- {service: s0, command: ls}", f"{chain}\ns1500: {{image: x}}")
    assert len(plan.pipelines[0].services) == 1501


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{image: x, cashed: true}", "unknown key `cashed` is ignored: did you mean `cached`?"),
        ("{image: x, env-file: a}", "unknown key `env-file` is ignored: did you mean `env_file`?"),
        ("{image: x, privileged: true}", "`privileged` is ignored: it would open the machine"),
        ("{image: x, network_mode: host}", "`network_mode` is ignored: it would open the machine"),
        ("{image: x, mem_limit: 1g}", "`mem_limit` is ignored"),
        ("{image: x, healthcheck: {test: x, start_intervall: 1s}}", "unknown key `start_intervall` is ignored"),
        ("{image: x, extra_hosts: ['a:host-gateway']}", "`a:host-gateway` would lead to the machine"),
        ("{build: {image_tag: x}}", "unknown key `image_tag` is ignored"),
        ("{build: {configure: {service: x}}}", "`configure` is ignored"),
        ("{image: x, image: y}", "`image` is given twice, first in line 1: only the last counts"),
        ("{image: x, build: .}", "has both `image` and `build`: it is built"),
    ],
)
def test_what_is_odd_is_a_warning(text: str, said: str) -> None:
    plan = codeship("- {service: app, command: ls}", f"app: {text}")
    (warning,) = warnings(plan)
    assert said in warning


@pytest.mark.parametrize(
    "key", ["ports", "container_name", "tty", "restart", "ulimits", "networks", "extends", "labels"]
)
def test_what_codeship_ignored_is_not_worth_a_word(key: str) -> None:
    assert warnings(codeship("- {service: app, command: ls}", f"app: {{image: x, {key}: [1]}}")) == []


def test_paths_start_in_the_folder_of_the_services_file() -> None:
    files = {
        "docker/codeship-steps.yml": "- {service: app, command: ls}",
        "docker/codeship-services.yml": "app: {build: {context: ..}, env_file: a.env, volumes: ['./x:/y', '../z:/z']}",
    }
    (spec,) = make(files, context()).pipelines[0].services
    assert spec.build == ImageBuild()
    assert spec.env_files == ("docker/a.env",)
    assert [mount.source for mount in spec.mounts] == ["docker/x", "z"]
