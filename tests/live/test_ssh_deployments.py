"""A whole instance that deploys to hosts by SSH while people read their pages: by canary, promoted, and taken back."""

from __future__ import annotations

import contextlib
import json

import pytest

from tests.live.instance import Instance
from tests.runners.targets.ssh.conftest import make_hosts  # noqa: F401 - a fixture
from tests.runners.targets.ssh.traffic import Traffic
from tests.servers import wait_until

pytestmark = [pytest.mark.live, pytest.mark.timeout(300)]

HOSTS = 4
CONFIGURATION = """
pipelines:
  build:
    steps:
      - {name: build, run: 'mkdir out; echo "%s" > out/version'}
    artifacts: [out/**]
deployments:
  production:
    branch: main
    canary: [25%%]
    bake: 2s
    rollback: auto
    verify:
      - {http: "http://127.0.0.1:%d/version", body: "commit $CI_COMMIT_ID", within: 8s, every: 1s}
    steps:
      - deploy:
          ssh:
            hosts: %s
            user: %s
            host_keys: ${HOST_KEYS}
            folder: out
            to: %s
            restart: echo "restarted for $CI_RELEASE"
"""
GOOD, BAD = "commit $CI_COMMIT_ID", "nothing works"


class Shop:
    """A project of an instance, and the hosts that it runs on."""

    def __init__(self, instance: Instance, hosts, doors: list[Traffic]) -> None:
        self.instance, self.hosts, self.doors = instance, hosts, doors

    def introduce(self) -> None:
        """The hosts let the project's own key in, and the project knows their keys."""
        secret = json.dumps("\n".join(sshd.known for sshd in self.hosts.sshds))
        code = "from builds.models import Project, Secret; p = Project.objects.get();"
        code += f" Secret.objects.create(project=p, name='HOST_KEYS', value={secret}); print(p.ssh_public_key)"
        public = self.instance.manage(code)
        for sshd in self.hosts.sshds:
            (sshd.folder / "authorized_keys").write_text(public)

    def push(self, message: str, version: str) -> str:
        names = json.dumps([sshd.name for sshd in self.hosts.sshds])
        to = f"{self.hosts.to}/app"
        text = CONFIGURATION % (version, self.doors[0].port, names, self.hosts.sshds[0].user, to)
        return self.instance.push(message, ciservice__yml=text)

    def versions(self) -> list[str]:
        found = (self.hosts.disk(number) / "current/version" for number in range(HOSTS))
        return [path.read_text().strip() if path.exists() else "" for path in found]

    def state(self, commit: str) -> str:
        """Of the deployment of that commit; "" before there is one."""
        found = json.loads(self.instance.get(f"{self.instance.api}/deployments"))["deployments"]
        return next((one["state"] for one in found if one["commit_sha"] == commit), "")

    def wait(self, commit: str, status: str) -> None:
        ends = {"live", "failed", "rolled_back", "unknown", "cancelled"}
        wait_until(lambda: self.state(commit) in ends, seconds=90, what=f"the end of {commit[:8]}")
        assert self.state(commit) == status, self.instance.said()[-3000:]


@pytest.fixture
def shop(make_hosts, tmp_path):  # noqa: F811
    hosts = make_hosts(HOSTS)
    instance = Instance(tmp_path / "var", DOCKER="no")
    with contextlib.ExitStack() as stack:
        doors = [Traffic(hosts.disk(number) / "current", "/version") for number in range(HOSTS)]
        for door in doors:
            stack.callback(door.close)
        stack.callback(instance.stop)
        instance.start()
        shop = Shop(instance, hosts, doors)
        shop.introduce()
        yield shop


def test_a_merge_goes_out_by_canary_and_a_bad_one_comes_back_by_itself(shop):
    first = shop.push("First", GOOD)
    with shop.doors[0]:
        shop.wait(first, "live")
        assert shop.versions() == [f"commit {first}"] * HOSTS
        with contextlib.ExitStack() as stack:
            for door in shop.doors[1:]:
                stack.enter_context(door)
            second = shop.push("Second", GOOD)
            shop.wait(second, "live")
            assert shop.versions() == [f"commit {second}"] * HOSTS

            shop.wait(shop.push("Third", BAD), "rolled_back")
            assert shop.versions() == [f"commit {second}"] * HOSTS

    for door in shop.doors[1:]:  # the hosts that were no canary never had the bad one
        assert {text.strip() for _, text in door.answers} == {f"commit {first}", f"commit {second}"}
        assert {status for status, _ in door.answers} == {200}
    canary = {text.strip(): count for (status, text), count in shop.doors[0].answers.items() if status == 200}
    assert canary.keys() == {f"commit {first}", f"commit {second}", BAD}
