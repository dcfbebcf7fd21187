"""Volumes: folders of the checkout that carry files from step to step, and what is kept how long."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.docker


def test_what_is_kept_and_what_is_lost(passes, project):
    (project / "scripts").mkdir()
    (project / "scripts" / "tell").write_text("told\n")
    services = """
        app:
          image: IMAGE
          volumes: ["./tmp/out:/out", "./tmp/out:/read:ro", ".ssh:/root/.ssh", "scripts:/scripts", "cache:/cache", /alone]
        data: {image: IMAGE, volumes: [/data]}
        one: {image: IMAGE, volumes_from: [data]}
        two: {image: IMAGE, volumes_from: [data], depends_on: [data]}
    """
    steps = """
        - {name: write, service: app, command: sh -c "for f in /out/a /root/.ssh/b /cache/c /alone/d; do echo kept > $f; done"}
        - name: read
          service: app
          command: sh -c "cat /read/a /root/.ssh/b /cache/c /scripts/tell; ls /alone; touch /read/x || echo read-only"
        - type: parallel
          steps:
            - {name: w1, service: one, command: sh -c "echo 1 > /data/one"}
            - {name: w2, service: two, command: sh -c "echo 2 > /data/two"}
        - {name: both, service: one, command: cat /data/one /data/two}
    """
    ran = passes(steps, services)
    assert [line for line in ran.text("read").splitlines() if not line.startswith("touch")] == [
        *["kept"] * 3,
        "told",
        "read-only",
    ]
    assert ran.text("both") == "1\n2\n"
    assert (project / "tmp" / "out" / "a").read_text() == "kept\n"
    assert (project / ".ssh" / "b").exists()
    assert not (project / "cache").exists()


def test_what_leads_out_of_the_checkout_fails_the_step_that_needs_it_and_no_other(go, project, tmp_path):
    (tmp_path / "secret").write_text("a secret of the machine")
    (project / "link").symlink_to(tmp_path)
    (project / "link-to-file").symlink_to(tmp_path / "secret")
    volumes = {
        "absolute": "/etc:/x",
        "climbing": "../:/x",
        "linked": "./link:/x",
        "linked file": "./link-to-file:/x",
        "socket": "/var/run/docker.sock:/var/run/docker.sock",
    }
    services = "app: {image: IMAGE, volumes: ['/dev/shm:/dev/shm']}\n" + "".join(
        f"{name}: {{image: IMAGE, volumes: ['{volume}']}}\n" for name, volume in volumes.items()
    )
    services += "built: {build: ./link}\nread: {image: IMAGE, env_file: link-to-file}\nbeside: {image: IMAGE, links: [absolute]}"
    bad = [*volumes, "built", "read", "beside"]
    inner = "".join(f"  - {{name: {name}, service: {name}, command: cat /x/secret /x}}\n" for name in bad)
    fine = "  - {name: fine, service: app, command: df /dev/shm}\n"
    ran = go(f"- type: parallel\n  steps:\n{fine}{inner}", services)
    assert {name: ran.outcomes[name] for name in bad} == dict.fromkeys(bad, "failed")
    assert ran.outcomes["fine"] == "passed"
    assert "a secret of the machine" not in ran.everything
    reasons = {name: ran.recorder.result(name).reason for name in bad}
    assert "`/etc` is a path of the host" in reasons["absolute"]
    assert "`/etc` is a path of the host" in reasons["beside"]
    assert "climbs out of the checkout" in reasons["climbing"]
    assert "leads out of the repository" in reasons["linked"]
    assert "add_docker: true" in reasons["socket"]
