"""What a pull request was told to be, in the order of the host's clock, and the one build of each head that it asks for."""

from __future__ import annotations

from dataclasses import dataclass

from builds.models import Build, BuildMove, Project, PullRequest
from builds.services.cancel import cancel
from builds.services.report_status import report
from builds.services.told import Proposal, Step
from builds.services.trigger import BuildRequest, new_build, take_numbers
from builds.signals import build_moved, send_on_commit
from builds.states import Status


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came of it: a build, or the sentence that says why there is none. `repeats`: it was there before."""

    build: Build | None = None
    reason: str = ""
    repeats: bool = False


def settle(project: Project, proposal: Proposal, request: BuildRequest | None, *, who: str) -> Answer:
    """Take what was told, in the caller's transaction, which holds the project's row.

    Builds that still wait for a person, of another commit than the head, are cancelled: nobody is to approve them.
    """
    known, _ = PullRequest.objects.get_or_create(
        project=project, number=proposal.number, defaults={"is_open": proposal.step != Step.CLOSES}
    )
    if _is_late(proposal, known):
        return Answer(reason=f"Told late: pull request #{proposal.number} has moved on since.")
    known.is_open, known.commit = proposal.step != Step.CLOSES, proposal.head.commit
    known.told_at = proposal.told_at or known.told_at
    known.save(update_fields=["is_open", "commit", "told_at"])
    why = f"Pull request #{proposal.number} {'has a newer commit' if known.is_open else 'was closed'}."
    for build in _held(proposal, project):
        if not (known.is_open and _is_of(build, proposal.head.commit)):
            cancel(build, who=who, reason=why)
    return Answer() if request is None else _built(project, request, who)


def _is_late(proposal: Proposal, known: PullRequest) -> bool:
    """Whether something newer was told before. Hosts tell whole seconds: of one second's words, closing is the last."""
    if proposal.told_at is None or known.told_at is None:
        return False
    if proposal.told_at == known.told_at:
        return proposal.step != Step.CLOSES and not known.is_open
    return proposal.told_at < known.told_at


def _built(project: Project, request: BuildRequest, who: str) -> Answer:
    """A build of the head, where there is none: several events may tell of one commit."""
    of_this = Build.objects.filter(project=project, pull_request=request.pull_request).defer("plan")
    for build in of_this.exclude(status=Status.CANCELLED).order_by("-number")[:200]:
        if build.from_fork == request.from_fork and _is_of(build, request.commit):
            return Answer(build=build, reason=f"Built before, as #{build.number}.", repeats=True)
    build = new_build(project, request, take_numbers({project.pk: 1})[project.pk])
    build.save(force_insert=True)
    move = BuildMove.objects.create(build=build, went_to=build.status, who=who, reason=build.reason)
    report(move)
    if build.status == Status.WAITING:
        send_on_commit(build_moved, Build, move=move)
    return Answer(build=build, reason=build.reason)


def _held(proposal: Proposal, project: Project) -> list[Build]:
    held = Build.objects.filter(project=project, pull_request=proposal.number, is_held=True)
    return list(held.unfinished().defer("plan").order_by("pk"))


def _is_of(build: Build, commit: str) -> bool:
    """Whether the build is of the commit, of which perhaps the first digits only are known to one of them."""
    return bool(commit) and (
        build.commit.startswith(commit) or (bool(build.commit) and commit.startswith(build.commit))
    )
