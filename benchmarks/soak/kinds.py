"""What is pushed: files of a repository, and how their build has to end. Every line that a step prints has its number."""

from __future__ import annotations

from dataclasses import dataclass, field

IMAGE = "busybox"
SCRIPTS = {
    # How many lines, seconds between them, exit code.
    "print.sh": 'i=0\nwhile [ "$i" -lt "$1" ]; do\n  i=$((i+1)); echo "line $i of $1"\n'
    '  if [ "$2" != 0 ]; then sleep "$2"; fi\ndone\nexit "$3"\n',
    "noise.sh": 'seq "$1" | sed "s/.*/line & of $1/"\n',
    "deaf.sh": "trap '' TERM INT\nsh print.sh \"$1\" 1 0\n",
    "deploy.sh": 'echo "$CI_BUILD_ID $CI_ENVIRONMENT" >>"$CI_DEPLOY_FOLDER/ledger"\nsh print.sh 5 0.5 0\n',
}
_SERVICES = (
    f"app:\n  image: {IMAGE}\n  volumes: ['.:/src']\n  working_dir: /src\n"
    f"db:\n  image: {IMAGE}\n  command: sleep 300\n"
    f"tested:\n  image: {IMAGE}\n  volumes: ['.:/src']\n  working_dir: /src\n  depends_on: [db]\n"
)


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One shape of a repository. `ends`: the state that its steps demand. `weight`: how often, among the others."""

    name: str
    ends: str = "passed"
    files: dict[str, str] = field(default_factory=dict)
    weight: int = 2
    needs_docker: bool = False
    deploys: bool = False


def _native(*steps: str) -> dict[str, str]:
    lines = "".join(f"      - run: {step}\n" for step in steps)
    return {"ciservice.yml": f"pipelines:\n  test:\n    image: {IMAGE}\n    steps:\n{lines}"}


def _codeship(steps: str) -> dict[str, str]:
    return {"codeship-services.yml": _SERVICES, "codeship-steps.yml": steps}


_TWO_PIPELINES = "pipelines:\n" + "".join(
    f"  {name}:\n    image: {IMAGE}\n    steps:\n      - run: sh print.sh {lines} 0.1 0\n"
    for name, lines in (("unit", 30), ("lint", 20))
)
_DEPLOYS = "deployments:\n" + "".join(
    f"  {name}:\n    image: {IMAGE}\n{more}    steps:\n      - run: sh deploy.sh\n"
    for name, more in (("staging", "    branch: main\n"), ("production", "    after: staging\n"))
)
_PARALLEL = "- type: parallel\n  steps:\n" + "".join(
    f"    - {{name: part {number}, service: app, command: sh print.sh {10 + number} 0.3 {code}}}\n"
    for number, code in ((1, 0), (2, 0), (3, "%d"))
)

KINDS = (
    Kind(name="quick", files=_native("sh print.sh 50 0 0"), weight=5),
    Kind(name="failing", ends="failed", files=_native("sh print.sh 20 0 0", "sh print.sh 9 0 3", "sh print.sh 9 0 0")),
    Kind(name="five runs", files=_native(*(f"sh print.sh {count} 0 0" for count in (5, 10, 15, 20, 25)))),
    Kind(name="long", files=_native("sh print.sh 25 1 0"), weight=3),
    Kind(name="deaf", files=_native("sh deaf.sh 12"), weight=1),
    Kind(name="noisy", files=_native("sh noise.sh 30000", "sh noise.sh 10")),
    Kind(name="two pipelines", files={"ciservice.yml": _TWO_PIPELINES}),
    Kind(
        name="deploying",
        files={"ciservice.yml": _native("sh print.sh 10 0 0")["ciservice.yml"] + _DEPLOYS},
        weight=4,
        deploys=True,
    ),
    Kind(name="mistaken", ends="failed", files={"ciservice.yml": "pipelinez:\n  test: []\n"}, weight=1),
    Kind(
        name="serial containers",
        files=_codeship("".join(f"- {{service: app, command: sh print.sh {n} 0 0}}\n" for n in (10, 20, 30))),
        needs_docker=True,
    ),
    Kind(name="parallel", files=_codeship(_PARALLEL % 0), needs_docker=True),
    Kind(name="parallel failing", ends="failed", files=_codeship(_PARALLEL % 7), needs_docker=True),
    Kind(
        name="with a service",
        files=_codeship("- {service: tested, command: sh print.sh 20 0.2 0}\n"),
        weight=3,
        needs_docker=True,
    ),
)
BY_NAME = {kind.name: kind for kind in KINDS}
