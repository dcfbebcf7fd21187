"""Push steps over the files: to a real registry that wants a password, from an encrypted file or a service that writes it."""

from __future__ import annotations

import secrets

import pytest

from runners.encryption import encrypt, new_key
from tests.runners.docker.private_registry import PrivateRegistry

pytestmark = pytest.mark.docker


@pytest.fixture(scope="module")
def registry(docker_engine, tmp_path_factory):
    registry = PrivateRegistry(tmp_path_factory.mktemp("registry"))
    yield registry
    registry.close()


def test_images_are_pushed_under_names_that_templates_make(passes, registry):
    key, name = new_key(), f"shop/web-{secrets.token_hex(4)}"
    services = """
        app: {build: {image: other/name}}
        login: {build: {dockerfile: Login}, env_file: login.env}
    """
    steps = f"""
        - type: parallel
          encrypted_dockercfg_path: dockercfg.encrypted
          steps:
            - name: named
              type: push
              service: app
              image_name: " {registry.address}/{name} "
              image_tag: '{{{{ .Branch }}}}-{{{{ printf "%.7s" .CommitID }}}}'
              registry: http://{registry.address}/v1/
            - {{name: latest, type: push, service: app, image_name: {registry.address}/{name}}}
            - {{name: elsewhere, type: push, service: app, image_name: nowhere.invalid/x, tag: master}}
        - name: generated
          type: push
          service: app
          image_name: {registry.address}/{name}
          image_tag: 18.10
          dockercfg_service: login
    """
    files = {
        "Dockerfile": f"FROM IMAGE\nRUN echo {secrets.token_hex(4)} > /made\n",
        "Login": 'FROM IMAGE\nENTRYPOINT ["sh", "-c", "printf %s \\"$WRITTEN\\" > \\"$0\\""]\n',
        "login.env": f"WRITTEN={registry.dockercfg().decode()}\n",
        "dockercfg.encrypted": encrypt(registry.dockercfg(old=True), key),
    }
    ran = passes(steps, services, files, branch="feature/x", key=key.text)
    assert {ran.outcomes[step] for step in ("named", "latest", "generated")} == {"passed"}
    assert ran.outcomes["elsewhere"] == "skipped"
    digests = {registry.manifest(name, tag) for tag in ("featurex-c0ffee0", "latest", "18.10")}
    assert len(digests) == 1
    assert "" not in digests
    assert registry.password not in ran.everything


def test_a_push_without_credentials_says_what_was_refused(go, registry):
    steps = f"- {{name: push, type: push, service: app, image_name: {registry.address}/shop/refused}}"
    ran = go(steps, "app: {build: .}", {"Dockerfile": f"FROM IMAGE\nRUN echo {secrets.token_hex(4)} > /made\n"})
    assert ran.outcomes == {"push": "failed"}
    assert f"{registry.address}/shop/refused" in ran.recorder.result("push").reason
