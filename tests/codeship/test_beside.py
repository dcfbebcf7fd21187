"""What runs beside a step: networks, names, links and their variables, health checks, and how it ends."""

from __future__ import annotations

import secrets

import pytest

pytestmark = pytest.mark.docker

WEB = 'command: sh -c "mkdir -p /www && hostname > /www/index.html && exec httpd -f -p 80 -h /www"'
FETCH = "until wget -qO- http://{}; do sleep 0.2; done"


def test_dependencies_are_reached_by_name_and_alias_and_are_there_once(passes):
    services = f"""
        web: {{image: IMAGE, {WEB}, expose: ["80"]}}
        Front.local: {{image: IMAGE, {WEB}}}
        middle: {{image: IMAGE, command: sleep 60, depends_on: [web]}}
        app: {{image: IMAGE, depends_on: [middle, Front.local], links: ["web:database", web]}}
    """
    script = "; ".join(FETCH.format(name) for name in ("web", "database", "Front.local"))
    steps = f"""
        - {{name: one, service: app, command: sh -c "{script}"}}
        - {{name: two, service: app, command: sh -c "{FETCH.format("web")}"}}
        - {{name: variables, service: app, command: env}}
    """
    ran = passes(steps, services)
    by_name, by_alias, dotted = ran.text("one").splitlines()[-3:]
    assert by_name == by_alias
    assert by_name != dotted
    assert ran.last("two") != by_name
    assert "DATABASE_NAME=/app/database" in ran.text("variables")


def test_link_variables_follow_dockers_names(passes):
    services = "redis: {build: {dockerfile: D}, command: sleep 60}\napp: {image: IMAGE, links: ['redis:cache']}"
    ran = passes(
        "- {name: env, service: app, command: env}", services, {"D": "FROM IMAGE\nEXPOSE 6379\nENV MODE=fast\n"}
    )
    said = dict(line.split("=", 1) for line in ran.text("env").splitlines() if line.startswith("CACHE_"))
    address = said["CACHE_PORT_6379_TCP_ADDR"]
    assert said == {
        "CACHE_NAME": "/app/cache",
        "CACHE_PORT": f"tcp://{address}:6379",
        "CACHE_PORT_6379_TCP": f"tcp://{address}:6379",
        "CACHE_PORT_6379_TCP_ADDR": address,
        "CACHE_PORT_6379_TCP_PORT": "6379",
        "CACHE_PORT_6379_TCP_PROTO": "tcp",
        "CACHE_ENV_MODE": "fast",
    }


HEALTH = "HEALTHCHECK --interval=1s --timeout=5s --retries=2 CMD {}\n"


def test_a_step_waits_until_its_services_are_healthy(passes):
    files = {"D": "FROM IMAGE\n" + HEALTH.format("test -e /ready")}
    services = """
        slow: {build: {dockerfile: D}, command: sh -c "sleep 1; touch /ready; exec sleep 60"}
        app: {image: IMAGE, depends_on: {slow: {condition: service_healthy}}}
    """
    ran = passes("- {name: a, service: app, command: echo begun}", services, files)
    said = ran.text("a")
    assert said.index('Waiting for "slow" service to become healthy') < said.index(
        "Status changed to 'healthy' for \"slow\""
    )
    assert said.endswith("begun\n")


def test_an_unhealthy_service_fails_the_step(go):
    files = {"D": "FROM IMAGE\n" + HEALTH.format("false")}
    services = "sick: {build: {dockerfile: D}, command: sleep 60}\napp: {image: IMAGE, links: [sick]}"
    ran = go("- {name: a, service: app, command: echo begun}", services, files)
    assert ran.outcomes == {"a": "failed"}
    assert 'The service "sick" is unhealthy' in ran.recorder.result("a").reason
    assert "begun" not in ran.text("a")


def test_a_check_in_the_services_file_goes_before_the_images(passes):
    files = {"D": "FROM IMAGE\n" + HEALTH.format("false")}
    services = """
        slow:
          build: {dockerfile: D}
          command: sh -c "sleep 1; touch /ready; exec sleep 60"
          healthcheck: {test: test -e /ready, interval: 200ms, retries: 100}
        quiet: {build: {dockerfile: D}, command: sleep 60, healthcheck: {disable: true}}
        app: {image: IMAGE, links: [slow, quiet]}
    """
    said = passes("- {name: a, service: app, command: echo begun}", services, files).text("a")
    assert "Status changed to 'healthy' for \"slow\"" in said
    assert '"quiet"' not in said


def test_real_databases(passes, real_image):
    word = secrets.token_hex(8)
    files = {
        "D": f"FROM {real_image('postgres:16')}\nHEALTHCHECK --interval=1s --retries=60 CMD pg_isready -h 127.0.0.1\n",
        "db.env": f"POSTGRES_USER=shop\nPOSTGRES_PASSWORD={word}\nPGPASSWORD={word}\n",
    }
    services = f"""
        db: {{build: {{dockerfile: D}}, env_file: db.env}}
        cache: {{image: "{real_image("redis:7")}", command: redis-server --protected-mode no}}
        sql: {{build: {{dockerfile: D}}, env_file: db.env, entrypoint: psql -h db -U shop, links: [db]}}
        keys: {{image: "redis:7", links: ["cache:redis"]}}
    """
    steps = """
        - {name: sql, service: sql, command: -tAc "select 6 * 7"}
        - name: keys
          service: keys
          command: sh -c "until redis-cli -h redis set a 1; do sleep 0.2; done; redis-cli -h redis get a"
    """
    ran = passes(steps, services, files)
    assert "42" in ran.text("sql").splitlines()
    assert "1" in ran.text("keys").splitlines()
