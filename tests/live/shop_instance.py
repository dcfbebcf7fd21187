"""A shop in containers behind two real proxies, whose repository deploys itself: staging, then production by canary."""

from __future__ import annotations

import json
import secrets
import subprocess
from pathlib import Path

import docker

from runners.encryption import encrypt, parse_key
from tests.haproxy import Proxy
from tests.live.instance import Instance, free_port
from tests.runners.docker.private_registry import PrivateRegistry
from tests.servers import wait_until

FILES = Path(__file__).parent / "shop"
SOCKET = "/var/run/docker.sock"
ENDS = {"live", "failed", "rolled_back", "unknown", "cancelled", "superseded"}
FIGURES = """
listen figures
  bind {address}
  stats enable
  stats uri /
"""


class Shop:
    """`open`, `merge`, `wait`, `close`; people come through `production.port`."""

    def __init__(self, folder: Path, client: docker.DockerClient) -> None:
        self.client = client
        self.name = f"shop-{secrets.token_hex(4)}"
        # Where the proxy's own figures are: the check that reads them runs in a container.
        gateway = client.networks.get("bridge").attrs["IPAM"]["Config"][0]["Gateway"]
        self.figures = f"{gateway}:{free_port()}"
        for place in ("staging", "production", "registry"):
            (folder / place).mkdir()
        self.staging = Proxy(folder / "staging")
        self.production = Proxy(folder / "production", backend=FIGURES.format(address=self.figures))
        self.instance = Instance(folder / "var", TARGET_ALLOWED_HOSTS=f"{SOCKET},127.0.0.1")
        self.registry = PrivateRegistry(folder / "registry")
        self.image = f"{self.registry.address}/{self.name}"

    def open(self) -> None:
        """The proxies, which have no server yet, and the service."""
        self.staging.start()
        self.production.start()
        self.instance.start()
        code = "from builds.models import Project, Secret; p = Project.objects.get();"
        code += f" Secret.objects.create(project=p, name='REGISTRY_PASSWORD', value='{self.registry.password}');"
        key = parse_key(self.instance.manage(code + " print(p.key.text)").strip())
        (self.instance.clone / "dockercfg.encrypted").write_text(encrypt(self.registry.dockercfg(), key))

    def close(self) -> None:
        """Everything ends, and nothing of the shop stays on the engine."""
        self.instance.stop()
        self.staging.stop()
        self.production.stop()
        self.registry.close()
        for container in self.containers():
            container.remove(force=True, v=True)
        for network in self.client.networks.list(names=[self.name]):
            network.remove()
        for image in self.client.images.list(name=self.image):
            self.client.images.remove(image.id, force=True)

    def containers(self) -> list:
        return self.client.containers.list(all=True, filters={"name": f"{self.name}-"}, ignore_removed=True)

    def merge(self, change: str, *, serve: str = "serve") -> str:
        """Push a branch that changes the shop, merge it to main, push that; the commit of the merge."""
        branch = change.replace(" ", "-")
        self._git("checkout", "-q", "-b", branch)
        self._write(serve, change)
        self._git("add", "-A")
        self._git("commit", "-q", "-m", change)
        self._git("push", "-q", "origin", branch)
        self._git("checkout", "-q", "main")
        self._git("merge", "-q", "--no-ff", "-m", f"Merge {branch}", branch)
        self._git("push", "-q", "origin", "main")
        return self._git("rev-parse", "HEAD")

    def _write(self, serve: str, change: str) -> None:
        fields = {
            "name": self.name,
            "image": self.image,
            "registry": self.registry.address,
            "staging": self.staging.port,
            "staging_api": self.staging.api,
            "production": self.production.port,
            "production_api": self.production.api,
            "figures": f"http://{self.figures}/;csv",
        }
        clone = self.instance.clone
        (clone / "ciservice.yml").write_text((FILES / "ciservice.yml").read_text().format(**fields))
        (clone / "Dockerfile").write_text((FILES / "Dockerfile").read_text())
        (clone / "serve").write_text(f"# {change}\n{(FILES / serve).read_text()}")
        (clone / "judge.sh").write_text((FILES / "judge.sh").read_text())
        (clone / "judge.sh").chmod(0o755)

    def _git(self, *words: str) -> str:
        done = subprocess.run(
            ["git", *words], cwd=self.instance.clone, check=True, capture_output=True, text=True, timeout=60
        )
        return done.stdout.strip()

    def deployment(self, environment: str, commit: str) -> dict:
        """The newest one of that commit there; {} before there is one."""
        found = json.loads(self.instance.get(f"{self.instance.api}/deployments"))["deployments"]
        of = (one for one in found if one["commit_sha"] == commit and one["environment"] == environment)
        return next(of, {})

    def wait_begun(self, environment: str, commit: str) -> None:
        """Until its first stage is under way, or over."""
        begun = {"rolling_out", "verifying", "rolling_back", *ENDS}
        self._wait(environment, commit, begun)

    def wait(self, environment: str, commit: str, state: str) -> dict:
        """Until it has ended so; the deployment with its stages."""
        its = self._wait(environment, commit, ENDS)
        whole = json.loads(self.instance.get(f"{self.instance.api}/deployments/{its['uuid']}"))["deployment"]
        assert whole["state"] == state, f"{whole}\n{self.instance.said()[-3000:]}"
        return whole

    def _wait(self, environment: str, commit: str, states: set[str]) -> dict:
        def stands() -> dict | None:
            its = self.deployment(environment, commit)
            if not its:
                build = self.instance.build_of(commit) or {}
                assert build.get("state") not in {"failed", "errored"}, f"{build}\n{self.instance.said()[-3000:]}"
            return its if its.get("state") in states else None

        what = f"{environment} with {commit[:8]} to be one of {sorted(states)}"
        return wait_until(stands, seconds=180, what=what)
