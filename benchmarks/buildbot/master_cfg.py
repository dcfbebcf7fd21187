"""Buildbot's configuration, read by its own interpreter: a builder for each shape of build, each step a `docker run`.

What the master hears is written to a diary, a line of JSON each: first lines of steps, and ends of builds.
"""

from __future__ import annotations

import json
import os
import time

from buildbot.plugins import schedulers, steps, util, worker
from buildbot.process import logobserver
from buildbot.util.service import BuildbotService
from twisted.internet import defer

SHAPES = json.loads(os.environ["BENCH_SHAPES"])  # {builder: [command, ...]}
IMAGE, NETWORK = os.environ["BENCH_IMAGE"], os.environ["BENCH_NETWORK"]


def note(what: str, **details: object) -> None:
    """A line of the diary."""
    with open(os.environ["BENCH_DIARY"], "a") as diary:
        diary.write(json.dumps({"what": what, "at": time.time(), **details}) + "\n")


class FirstLine(logobserver.LineConsumerLogObserver):
    """Notes when the master has the first line of a step."""

    def __init__(self) -> None:
        super().__init__(self._consume)

    def _consume(self):
        noted = False
        while True:
            stream, _ = yield
            if stream == "o" and not noted:
                note("line")
                noted = True


class Said(steps.ShellCommand):
    """A command whose first line is noted."""

    def __init__(self, **given: object) -> None:
        super().__init__(**given)
        self.addLogObserver("stdio", FirstLine())


class Diary(BuildbotService):
    """Notes the end of every build."""

    name = "diary"

    @defer.inlineCallbacks
    def startService(self):
        yield super().startService()
        yield self.master.mq.startConsuming(self._finished, ("builds", None, "finished"))
        note("ready")

    def _finished(self, _key, build) -> None:
        note("finished", results=build["results"])


def factory(commands: list[list[str]]) -> util.BuildFactory:
    """The checkout, and a container for each command with the checkout as its working folder."""
    mount = util.Interpolate("%(prop:builddir)s/build:/work")
    docker = ["docker", "run", "--rm", "--network", NETWORK, "-v", mount, "-w", "/work", IMAGE]
    runs = [Said(name=f"run-{number}", command=[*docker, *words]) for number, words in enumerate(commands)]
    return util.BuildFactory([steps.Git(repourl=os.environ["BENCH_REPOSITORY"], mode="incremental"), *runs])


BuildmasterConfig = {
    "title": "bench",
    "buildbotURL": f"http://127.0.0.1:{os.environ['BENCH_WWW']}/",
    "buildbotNetUsageData": None,
    "collapseRequests": False,
    "workers": [worker.Worker("one", os.environ["BENCH_PASSWORD"], max_builds=4)],
    "protocols": {"pb": {"port": f"tcp:{os.environ['BENCH_PB']}:interface=127.0.0.1"}},
    "builders": [
        util.BuilderConfig(name=name, workernames=["one"], factory=factory(commands))
        for name, commands in SHAPES.items()
    ],
    "schedulers": [
        schedulers.SingleBranchScheduler(
            name=name, change_filter=util.ChangeFilter(branch=name), treeStableTimer=None, builderNames=[name]
        )
        for name in SHAPES
    ],
    "services": [Diary()],
    "www": {"port": f"tcp:{os.environ['BENCH_WWW']}:interface=127.0.0.1", "change_hook_dialects": {"base": True}},
}
