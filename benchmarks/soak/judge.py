"""Whether everything that was pushed became what it had to become: plain values in, sentences about what broke out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from benchmarks.soak.diary import Diary
from benchmarks.soak.kinds import BY_NAME
from benchmarks.soak.people import Pushed

# Whose fault an attempt's end may be without being the project's.
INFRASTRUCTURE = {"runner_lost", "engine", "checkout"}
DISK_GRACE_SECONDS = 60
FINAL = {"passed", "failed", "errored", "cancelled", "skipped"}


@dataclass(frozen=True)
class Verdict:
    """`broken`: sentences. `outcomes`: how many builds ended how, and how many checks were made."""

    broken: list[str]
    outcomes: Counter[str]
    checked: Counter[str]


def judge(pushed: list[Pushed], told: dict[str, Any], ledger: list[str], diary: Diary) -> Verdict:
    """The whole verdict, once everything has ended."""
    verdict = Verdict([], Counter(), Counter())
    by_commit: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for build in told["builds"]:
        by_commit.setdefault((build["project"], build["commit"]), []).append(build)
    for one in pushed:
        builds = by_commit.get((one.project, one.commit), [])
        verdict.broken.extend(_push(one, builds, verdict))
    for build in told["builds"]:
        for job in build["jobs"]:
            for step in job["steps"]:
                verdict.broken.extend(_log(build, job, step, diary))
                verdict.checked["logs"] += 1
                verdict.checked["lines of logs"] += step["lines"]
    verdict.broken.extend(_deployments(told["deployments"], ledger, verdict))
    return verdict


def _push(one: Pushed, builds: list[dict[str, Any]], verdict: Verdict) -> Iterator[str]:
    name = f"push {one.push.number} ({one.push.kind})"
    first = [build for build in builds if build["trigger"] != "restart"]
    again = [build for build in builds if build["trigger"] == "restart"]
    verdict.checked["pushes"] += 1
    # Of a push without a webhook the service may hear otherwise, in the moment in which somebody asks for its build.
    told = [build for build in first if one.push.manner != "dropped" or build["trigger"] == "push"]
    if one.accepted and (not first or len(told) > 1):
        yield f"{name} became {len(first)} builds, not one: {[build['number'] for build in first]}"
    if not one.asked <= len(again) <= one.asked + one.maybe:
        yield f"{name} was built again {len(again)} times; {one.asked} to {one.asked + one.maybe} were asked for"
    for build in builds:
        yield from _outcome(name, one, build, verdict)


def _outcome(name: str, one: Pushed, build: dict[str, Any], verdict: Verdict) -> Iterator[str]:
    wanted, status = BY_NAME[one.push.kind].ends, build["status"]
    verdict.outcomes[status if status != "errored" else "errored (ours)"] += 1
    said = f"{name}: build {build['uuid']} is {status} ({build['reason']!r})"
    pipelines = [job for job in build["jobs"] if job["kind"] == "pipeline"]
    if status not in FINAL:
        yield f"{said}: it has not ended"
    elif status == wanted:
        for job in pipelines:
            if status == "passed" and job["attempt"] > 1:
                verdict.outcomes["of them in a later attempt"] += 1
    elif status == "cancelled" and one.cancelled and build["trigger"] != "restart":
        return
    elif status != "errored":
        yield f"{said}: its steps demand {wanted}"
    elif not build["reason"]:
        yield f"{said}: no reason is given"
    else:
        for job in pipelines:
            if job["status"] == "errored" and job["failure"] not in INFRASTRUCTURE:
                yield f"{said}: the failure {job['failure']!r} is not ours to have"


def _log(build: dict[str, Any], job: dict[str, Any], step: dict[str, Any], diary: Diary) -> Iterator[str]:
    said = f"build {build['uuid']}, step {step['uuid']} ({step['status']}, attempt {step['attempt']} of {job['attempt']}): "
    if step["doubled"]:
        yield f"{said}{step['doubled']} lines of its log come twice or in the wrong order"
    if step["complete"] and step["missing"]:
        yield f"{said}line {step['missing']} is missing, though its log says it is complete"
    if step["status"] not in {"passed", "failed"} or step["wanted"] is None:
        return
    if step["lines"] == step["wanted"] and step["complete"]:
        return
    begin, end = step["started"] or 0, step["finished"] or 0
    if step["complete"]:
        yield f"{said}{step['lines']} lines of {step['wanted']} are stored, though its log says it is complete"
    elif not step["ended"]:
        yield f"{said}its log never ended"
    elif (
        not diary.excuses(("disk", "power"), begin, end, after=DISK_GRACE_SECONDS) and step["attempt"] == job["attempt"]
    ):
        yield f"{said}{step['lines']} lines of {step['wanted']}; no full disk excuses it: {step['others']}"


def _deployments(deployments: list[dict[str, Any]], ledger: list[str], verdict: Verdict) -> Iterator[str]:
    went = Counter(ledger)
    verdict.checked["deployments"] += len(deployments)
    for line, times in went.items():
        if times > 1:
            yield f"deployed {times} times: {line}"
    for deployment in deployments:
        verdict.outcomes[f"deployments {deployment['status']}"] += 1
        times = went[f"{deployment['build']} {deployment['environment']}"]
        said = f"deployment {deployment['uuid']} to {deployment['environment']} is {deployment['status']}"
        if deployment["status"] in {"requested", "rolling_out", "verifying", "unknown"}:
            yield f"{said}: it has not ended ({deployment['reason']!r})"
        elif deployment["status"] == "live" and times != 1:
            yield f"{said}, and its target was reached {times} times"
    known = {f"{one['build']} {one['environment']}" for one in deployments}
    for line in went.keys() - known:
        yield f"a target was reached that no deployment speaks of: {line}"
