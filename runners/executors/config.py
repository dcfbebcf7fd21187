"""What an executor is told when it is made: plain values, so that neither settings nor Django come in here."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from runners.checkout.policy import GitPolicy


@dataclass(frozen=True, kw_only=True)
class ExecutorSettings:
    """The settings of this runner that executors need."""

    name: str  # "docker", "process" or "fake"
    data_dir: Path
    default_image: str = ""  # where a pipeline names none
    docker_url: str = ""
    memory_mb: int = 0  # of one container; 0 = no limit
    cpus: float = 0.0  # of one container; 0 = as many as the machine has
    pids: int = 0  # processes in one container; 0 = no limit
    image_builder: str = "auto"  # "classic", "buildkit", or "auto": BuildKit where a Dockerfile needs it
    image_cache: str = (
        ""  # where built images are kept for other runners: a folder, or host/prefix of a registry; "" = nowhere
    )
    image_cache_login: str = field(default="", repr=False)  # "user:password" at that registry
    image_cache_gb: int = 20  # what the folder may hold
    keeps_containers: bool = False  # ended ones stay until a sweep: a person wants to look into them
    renews_images: bool = False  # those that the engine has are pulled again, once a process
    private_engine: str = ""  # how a job gets a Docker engine of its own: "rootless", "privileged", "runtime"; "" = not
    private_engine_image: str = "ciservice-engine"
    private_engine_runtime: str = ""  # for "runtime": "sysbox-runc"
    private_engine_for_forks: bool = False  # strangers' changes get a privileged one, too
    runtime: str = ""  # "runsc", "kata"; "" = the engine's own
    allow_local_repositories: bool = False
    git_allowed_hosts: tuple[str, ...] = ()
    instance: str = ""  # tells the instances on one Docker engine apart

    @property
    def mirrors(self) -> Path:
        """The folder of the bare mirrors."""
        return self.data_dir / "mirrors"

    @property
    def workspaces(self) -> Path:
        """The folder of the jobs' folders, each named like its attempt (`JobSpec.name`)."""
        return self.data_dir / "workspaces"

    @property
    def git_policy(self) -> GitPolicy:
        """Which repositories may be fetched."""
        return GitPolicy(allow_local=self.allow_local_repositories, allowed_hosts=self.git_allowed_hosts)
