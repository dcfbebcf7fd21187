"""Variables: whose win, what is encrypted, and where they are seen."""

from __future__ import annotations

import hashlib

import pytest

from runners.encryption import encrypt, new_key

pytestmark = pytest.mark.docker


def test_whose_variables_win_and_who_sees_them(passes):
    key = new_key()
    services = f"""
        app:
          image: IMAGE
          environment: [A=inline, B=inline, C=inline, D=inline, E=inline]
          encrypted_environment: [{encrypt(b"B=sealed-inline", key)}, {encrypt(b"C=sealed-inline", key)}]
          env_file: [one.env, two.env]
          encrypted_env_file: sealed.env
          links: [beside]
        beside: {{image: IMAGE, command: sh -c "echo beside $CI_BRANCH; sleep 60"}}
    """
    files = {
        "one.env": "# a comment\nC=file\nD=first\n",
        "two.env": 'D="second"\nE=file\n',
        "sealed.env": encrypt(b"E=sealed-file\n", key),
    }
    steps = '- {name: env, service: app, command: sh -c "sleep 1; env"}'
    ran = passes(
        steps,
        services,
        files,
        environment={"CI_BRANCH": "master", "A": "ci", "CI": "true"},
        key=key.text,
    )
    said = ran.text("env")
    assert {"A=inline", "C=file", 'D="second"', "CI=true", "CI_BRANCH=master"} <= set(said.splitlines())
    assert "beside master" in said
    assert "sealed-inline" not in said
    assert "sealed-file" not in said
    assert "B=inline" not in said
    assert "E=file" not in said


def test_build_arguments_plain_templates_and_encrypted(passes):
    key = new_key()
    services = f"""
        app:
          build:
            args: {{PLAIN: 10.10, NAME: '{{{{ if .Ci }}}}{{{{ .RepoName }}}}@{{{{ .Branch }}}}{{{{ end }}}}', SEALED: plain}}
            encrypted_args: {encrypt(b"SEALED=by-hand-42", key)}
            encrypted_args_file: args.sealed
    """
    files = {
        "args.sealed": encrypt(b"FILED=from-file-43", key),
        "Dockerfile": "FROM IMAGE\nARG PLAIN\nARG NAME\nARG SEALED\nARG FILED\n"
        "RUN echo $PLAIN $NAME > /said && echo $SEALED $FILED | md5sum > /sum\n",
    }
    steps = (
        '- {name: said, service: app, command: cat /said}\n- {name: sum, service: app, command: sh -c "cat /sum; env"}'
    )
    ran = passes(steps, services, files, branch="feature/x", key=key.text)
    assert ran.last("said") == "10.10 shop/web@feature/x"
    assert hashlib.md5(b"by-hand-42 from-file-43\n").hexdigest() in ran.text("sum")
    assert "by-hand-42" not in ran.everything
    assert "SEALED=" not in ran.text("sum")


def test_a_missing_key_says_so(go):
    services = "app: {image: IMAGE, encrypted_env_file: sealed}\nother: {image: IMAGE}"
    steps = "- {name: fine, service: other, command: 'true'}\n- {name: sealed, service: app, command: 'true'}"
    ran = go(steps, services, {"sealed": "x"})
    assert ran.outcomes == {"fine": "passed", "sealed": "failed"}
    assert "No AES key provided" in ran.recorder.result("sealed").reason
