"""`steps`, `run` and `load`: what a laptop runs of a checkout. Docker is real where it matters."""

from __future__ import annotations

import json
import signal
import subprocess

import pytest

from runners.encryption import encrypt, new_key
from tests.ciservice.cli.conftest import BIN

pytestmark = pytest.mark.timeout(300)  # whole commands, several a test

HERE = ("--executor", "process")


@pytest.fixture
def write(checkout):
    """Writes files into the checkout."""

    def write(**files: str) -> None:
        for name, text in files.items():
            (checkout / name.replace("__", ".").replace("_", "-")).write_text(text)

    return write


@pytest.fixture
def codeship(write, docker_image):
    """CodeShip's pair of files, with a service `app` of the tests' image."""

    def codeship(steps: list[dict], **services: dict) -> None:
        everything = {"app": {"image": docker_image}, **services}
        write(codeship_services__yml=json.dumps(everything), codeship_steps__yml=json.dumps(steps))

    return codeship


def lines(result: subprocess.CompletedProcess[str]) -> list[str]:
    return result.stdout.splitlines()


def test_pipelines_run_in_order_with_their_names_before_each_line(command, write):
    write(ciservice__yml="pipelines: {one: {steps: [{name: a, run: echo 1}]}, two: {steps: [{name: b, run: echo 2}]}}")

    result = command("ciservice", "run", *HERE)

    said = [line for line in lines(result) if "success" not in line]
    assert (result.returncode, said) == (0, ["Pipeline one", "(step: a) 1", "Pipeline two", "(step: b) 2"])
    assert [line.split(" (")[0] for line in lines(result) if "success" in line] == [
        "(step: a) success ✔",
        "(step: b) success ✔",
    ]


def test_a_step_that_fails_ends_the_run(command, write):
    write(
        ciservice__yml="pipelines: {one: {steps: [{name: a, run: printf tail; exit 3}, {name: b, run: echo 2}]},"
        " two: {steps: [echo 3]}}"
    )

    result = command("ciservice", "steps", *HERE)

    assert result.returncode == 1
    assert "(step: a) tail" in lines(result)
    assert "(step: b) skipped (“a” did not pass)" in lines(result)
    assert "Pipeline two" not in result.stdout
    assert lines(result)[-1] == "a: exit code 3"


def test_one_pipeline_alone(command, write):
    write(ciservice__yml="pipelines: {one: {steps: [exit 1]}, two: {steps: [{name: b, run: echo 2}]}}")

    assert command("ciservice", "steps", "--pipeline", "two", *HERE).returncode == 0
    nothing = command("ciservice", "steps", "--pipeline", "three", *HERE)
    assert nothing.returncode == 1
    assert "has no pipeline 'three' that runs here: it has one, two." in nothing.stderr


def test_a_native_pipeline_has_what_git_knows_and_flags_win(command, write, checkout):
    write(
        ciservice__yml="steps: [{name: a, run: 'echo $CI $CI_BRANCH $CI_COMMITTER_NAME $CI_BUILD_ID $WORD $HOST_WORD'}]"
    )
    git = ["git", "-C", str(checkout), "-c", "user.name=Ada", "-c", "user.email=ada@example.com"]
    subprocess.run([*git, "init", "-q", "-b", "feature/x"], check=True)
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "first"], check=True)

    result = command(
        "ciservice", "run", "--ci-build-id=7", "-e", "WORD=a=b", "--env", "HOST_WORD", *HERE, HOST_WORD="h"
    )

    assert "(step: a) true feature/x Ada 7 a=b h" in lines(result)


def test_mistakes_are_told_with_their_place_before_anything_runs(command, write):
    write(ciservice__yml="steps:\n  - {name: a, rum: x}\n  - {nme: b, run: y}\n")

    result = command("ciservice", "run", *HERE)

    assert result.returncode == 1
    assert "ciservice.yml:2:" in result.stderr
    assert "ciservice.yml:3:" in result.stderr
    assert result.stdout == ""


def test_jet_reads_codeships_files_beside_a_ciservice_yml(command, write, codeship):
    codeship([{"name": "old", "service": "app", "command": "true"}])
    write(ciservice__yml="steps: [{name: new, run: 'true'}]")

    assert "(step: old)" in command("jet", "steps", *HERE).stdout
    assert "(step: new)" in command("ciservice", "steps", *HERE).stdout


def test_files_of_other_names(command, write, checkout, codeship):
    codeship([])
    (checkout / "ci").mkdir()
    (checkout / "codeship-services.yml").rename(checkout / "ci/services.yml")
    (checkout / "ci/steps.yml").write_text('[{"name": "x", "service": "app", "command": "true"}]')
    (checkout / "ci/broken.yml").write_text('[{"name": "x", "service": "none", "command": "true"}]')

    flags = ["--services-path", "ci/services.yml", "--steps-path"]
    assert "(step: x) success" in command("jet", "steps", *HERE, *flags, "ci/steps.yml").stdout
    assert command("jet", "steps", *HERE, *flags, "ci/broken.yml").stderr.startswith("ciservice: ci/broken.yml:1:")
    assert "There is no ci/absent.yml in" in command("jet", "steps", *HERE, *flags, "ci/absent.yml").stderr


@pytest.mark.parametrize(
    ("flags", "ran"),
    [
        ([], {"all", "not-master"}),
        (["--ci-branch=master"], {"all", "not-master"}),
        (["--tag=master"], {"all", "master", "any"}),
        (["--tag", "v1"], {"all", "not-master", "any"}),
    ],
)
def test_tag_chooses_the_steps_as_jet_did(command, codeship, flags, ran):
    rules = {"all": {}, "master": {"tag": "master"}, "not-master": {"exclude": "master"}, "any": {"tag": "^.*$"}}
    codeship([{"name": name, "service": "app", "command": "true", **rule} for name, rule in rules.items()])

    result = command("jet", "steps", *flags, *HERE)

    assert {line.split()[1].rstrip(")") for line in lines(result) if "success" in line} == ran


def test_pushes_need_their_flag(command, codeship):
    codeship([{"name": "away", "type": "push", "service": "app", "image_name": "shop/app"}])

    assert "(step: away) skipped (pushes only with --push)" in lines(command("jet", "steps", *HERE))
    assert "images are built and pushed only with it" in command("jet", "steps", "--push=true", *HERE).stdout


def test_without_an_engine_it_says_what_to_do(command, codeship):
    codeship([{"name": "x", "service": "app", "command": "true"}])

    result = command("jet", "steps", DOCKER_HOST="unix:///nowhere/docker.sock")

    assert result.returncode == 3
    assert "No Docker engine answers at unix:///nowhere/docker.sock: start dockerd, or set DOCKER_HOST" in result.stderr


def test_a_folder_that_cannot_be_written_is_told(command, codeship, tmp_path):
    codeship([{"name": "x", "service": "app", "command": "true"}])
    (tmp_path / "file").write_text("")

    result = command("jet", "steps", *HERE, CISERVICE_CACHE=str(tmp_path / "file"))

    assert result.returncode == 3
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    "arguments", [["steps", "--env", "=x"], ["steps", "--unknown"], ["load"], ["steps", "--dir=no"]]
)
def test_a_wrong_command_line(command, arguments):
    assert command("jet", *arguments).returncode == 2


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_the_steps_and_removes_what_they_had(checkout, write, environment, tmp_path, how):
    write(ciservice__yml="steps: [{name: a, run: 'echo up; sleep 100'}, {name: b, run: echo never}]")
    process = subprocess.Popen(
        [BIN / "ciservice", "run", *HERE], cwd=checkout, env=environment, stdout=subprocess.PIPE, text=True
    )
    with process:
        assert process.stdout is not None
        for line in process.stdout:
            if line == "(step: a) up\n":
                process.send_signal(how)
                break
        rest = process.stdout.read()

    assert process.returncode == 130
    assert "Stopping" in rest
    assert "never" not in rest.replace("echo never", "")
    assert list((tmp_path / "cache/workspaces").iterdir()) == []
    assert list((tmp_path / "cache/runs").iterdir()) == []


@pytest.mark.docker
def test_codeships_files_run_with_key_volumes_and_services_and_leave_nothing(
    command, codeship, checkout, docker_engine
):
    key = new_key()
    (checkout / "codeship.aes").write_text(key.text)
    (checkout / "env.encrypted").write_text(encrypt(b"TOKEN=hunter2-hunter2", key))
    (checkout / "Dockerfile").write_text("FROM ciservice-test-busybox\nRUN echo made > /made\n")
    made = {
        "build": ".",
        "encrypted_env_file": "env.encrypted",
        "environment": {"WORD": "file"},
        "volumes": ["./out:/out"],
        "depends_on": ["app"],
    }
    shown = "sh -c 'cat /made; echo $TOKEN $WORD $CI_BRANCH; test ${#TOKEN} = 15 && echo whole; date > /out/now'"
    codeship([{"name": "show", "service": "made", "command": shown}], made=made)
    before = {path.name for path in checkout.iterdir()}

    result = command("jet", "steps", "-e", "WORD=mine", "--ci-branch", "feature")

    assert result.returncode == 0, result.stderr + result.stdout
    assert [line for line in lines(result) if line.startswith("(step: show) ")][-4:-1] == [
        "(step: show) made",
        "(step: show) [hidden] mine feature",
        "(step: show) whole",
    ]
    assert {path.name for path in checkout.iterdir()} == before | {"out"}
    assert (checkout / "out/now").exists()


@pytest.mark.docker
def test_one_command_in_one_service(command, codeship):
    codeship([], app2={"image": "ciservice-test-busybox", "entrypoint": "echo", "environment": {"A": "1"}})

    entered = command("jet", "run", "--entrypoint", "sh -c", "app2", "echo -$A-; exit 3", "--push")

    assert entered.returncode == 1
    assert "(step: app2) -1-" in lines(entered)


@pytest.mark.docker
def test_load_builds_and_runs_nothing(command, codeship, checkout, docker_engine):
    name = "ciservice-test-loaded"
    (checkout / "Dockerfile").write_text("FROM ciservice-test-busybox\nCMD echo ran\n")
    codeship([], loaded={"build": {"context": ".", "image": name}}, broken={"image": "x", "depends_on": ["nobody"]})

    result = command("jet", "load", "loaded", "--ci-build-id", "1")

    assert result.returncode == 0, result.stderr + result.stdout
    assert "(step: loaded) The image of service loaded is here: sha256:" in result.stdout
    assert "ran" not in [line.removeprefix("(step: loaded) ") for line in lines(result)]
    assert "the service `absent` does not exist" in command("jet", "load", "absent").stderr


@pytest.mark.docker
def test_containers_that_are_kept_are_cleaned_up_by_another_command(command, codeship, docker_engine):
    codeship([])

    assert command("jet", "run", "--no-remove", "app", "true").returncode == 0
    would = command("jet", "cleanup", "--dry-run").stdout
    gone = command("jet", "cleanup").stdout

    assert would.startswith('Would remove what belongs to "/ci-')
    assert gone.startswith("Removed 1 ")
    assert command("jet", "cleanup", "--dry-run").stdout == "Nothing to remove.\n"
