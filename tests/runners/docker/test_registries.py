"""Names of images, registries and credentials, as Docker and CodeShip's projects write them."""

from __future__ import annotations

import base64
import json
import secrets

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runners.contract import PushSpec
from runners.errors import SpecError
from runners.executors.docker.registries import (
    Login,
    host_of,
    host_of_image,
    is_official,
    read_dockercfg,
    target_of,
)

PASSWORD = secrets.token_urlsafe(12)


def basic(user: str, password: str) -> str:
    return base64.b64encode(f"{user}:{password}".encode()).decode()


@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("https://index.docker.io/v1/", "docker.io"),
        ("index.docker.io", "docker.io"),
        ("docker.io", "docker.io"),
        ("", "docker.io"),
        ("quay.io", "quay.io"),
        ("https://gcr.io", "gcr.io"),
        ("https://1.dkr.ecr.eu-west-1.amazonaws.com/", "1.dkr.ecr.eu-west-1.amazonaws.com"),
        ("quay.io/user/repo", "quay.io"),
        ("http://Localhost:5000/v2/", "localhost:5000"),
    ],
)
def test_every_way_to_write_a_registry_means_its_host(address, host):
    assert host_of(address) == host


@pytest.mark.parametrize(
    ("name", "host", "official"),
    [
        ("debian", "docker.io", True),
        ("library/debian:12", "docker.io", True),
        ("docker.io/redis:7", "docker.io", True),
        ("shop/web", "docker.io", False),
        ("quay.io/shop/web:1", "quay.io", False),
        ("localhost/web", "localhost", False),
        ("host:5000/web", "host:5000", False),
        ("web:5000", "docker.io", True),
    ],
)
def test_the_host_in_an_images_name(name, host, official):
    assert (host_of_image(name), is_official(name)) == (host, official)


@pytest.mark.parametrize(
    ("push", "whole"),
    [
        (PushSpec(image_name="shop/web"), "shop/web:latest"),
        (PushSpec(image_name="  shop/web ", registry="https://index.docker.io/v1/"), "shop/web:latest"),
        (PushSpec(image_name="index.docker.io/shop/web", image_tag="v1"), "shop/web:v1"),
        (PushSpec(image_name="quay.io/shop/web", registry="quay.io", image_tag="v1"), "quay.io/shop/web:v1"),
        (PushSpec(image_name="shop/web", registry="https://gcr.io"), "gcr.io/shop/web:latest"),
        (PushSpec(image_name="localhost:5000/web:2"), "localhost:5000/web:2"),
        (PushSpec(image_name="localhost:5000/web:2", image_tag="3"), "localhost:5000/web:3"),
        (
            PushSpec(image_name="registry.heroku.com/app/web", registry="registry.heroku.com"),
            "registry.heroku.com/app/web:latest",
        ),
    ],
)
def test_where_a_push_goes(push, whole):
    assert target_of(push).name == whole


@pytest.mark.parametrize(
    "push",
    [
        PushSpec(image_name=""),
        PushSpec(image_name="Shop/Web/../x"),
        PushSpec(image_name="shop/web", image_tag="a b"),
        PushSpec(image_name="shop/web", image_tag="x" * 129),
        PushSpec(image_name="shop/web", registry="no host!"),
        PushSpec(image_name="-x/web"),
        PushSpec(image_name="shop/" + "w" * 300),
        PushSpec(image_name="debian"),
        PushSpec(image_name="docker.io/library/debian", image_tag="12"),
    ],
)
def test_what_is_no_name_is_refused(push):
    with pytest.raises(SpecError):
        target_of(push)


@given(name=st.text(max_size=30), tag=st.text(max_size=10), registry=st.text(max_size=30))
def test_no_text_makes_anything_but_a_clean_name_or_a_refusal(name, tag, registry):
    try:
        target = target_of(PushSpec(image_name=name, image_tag=tag, registry=registry))
    except SpecError:
        return
    assert " " not in target.name
    assert target.name.isascii()
    assert ".." not in target.repository.split("/")


@pytest.mark.parametrize(
    "said",
    [
        {"auths": {"https://quay.io/v1/": {"auth": basic("me", PASSWORD)}}},
        {"quay.io": {"auth": basic("me", PASSWORD), "email": "me@example.com"}},
        {"auths": {"quay.io": {"username": "me", "password": PASSWORD}}, "credsStore": "desktop"},
        {"auths": {"quay.io": {"auth": basic("me", PASSWORD)}, "gcr.io": {}}, "HttpHeaders": {"x": "y"}},
    ],
)
def test_both_formats_give_the_login_of_a_host(said):
    logins = read_dockercfg(json.dumps(said).encode(), "cfg")

    assert logins.at("quay.io") == Login(username="me", password=PASSWORD)
    assert logins.at("gcr.io") is None
    assert {PASSWORD, basic("me", PASSWORD)} <= set(logins.secrets())
    assert PASSWORD not in repr(logins)


def test_tokens_are_logins_and_secrets_too():
    content = json.dumps({"auths": {"x.azurecr.io": {"auth": basic("0", ""), "identitytoken": "tok-123"}}}).encode()

    login = read_dockercfg(content, "cfg").at("x.azurecr.io")

    assert json.loads(base64.urlsafe_b64decode(login.header("x.azurecr.io")))["identitytoken"] == "tok-123"
    assert "tok-123" in set(read_dockercfg(content, "cfg").secrets())


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[]",
        b'{"auths": []}',
        b'{"auths": {"quay.io": {"auth": "no base64!"}}}',
        b'{"credsStore": "desktop"}',
        b"[" * 100_000,
    ],
)
def test_what_is_no_dockercfg_is_named_without_its_content(content):
    with pytest.raises(SpecError, match="registry.encrypted") as caught:
        read_dockercfg(content, "registry.encrypted")

    assert "base64!" not in str(caught.value).replace("is not base64", "")
