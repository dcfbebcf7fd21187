"""Changing the sealing key while the service runs: nothing is lost, nothing is left behind."""

from __future__ import annotations

import base64
import hashlib
import secrets as random
from io import StringIO

import pytest
from cryptography.fernet import Fernet
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import models

from accounts.sealing import DoesNotOpen, SealedField, as_it_stands, key_id, seal, sealed_by, unseal
from accounts.services import rotate_keys
from builds.models import Project, Secret, SigningKey
from builds.services.secrets import Place, put_secret
from tests.builds.sealed_rows import make_sealed_rows

pytestmark = pytest.mark.django_db


@pytest.fixture
def keys(settings):
    """The key of today, and one that is to be."""
    settings.SEALING_KEYS = ["the key of then" * 3]
    return settings.SEALING_KEYS[0], random.token_urlsafe(48)


def stands() -> dict[str, list[str]]:
    """Every sealed text as the database has it, by column; the columns are found by introspection."""
    found = {}
    for model in apps.get_models():
        for field in model._meta.local_concrete_fields:
            if isinstance(field, SealedField):
                rows = model._base_manager.annotate(found=as_it_stands(field.attname))
                texts = rows.exclude(found="").values_list("found", flat=True)
                found[f"{model._meta.db_table}.{field.attname}"] = [text for text in texts if text]
    return found


def rotate(*arguments: str) -> str:
    """What the command says."""
    out = StringIO()
    call_command("rotate_keys", *arguments, stdout=out)
    return out.getvalue()


def test_what_was_sealed_says_by_which_key_and_what_is_older_opens_too(keys, settings):
    then, new = keys
    bare = seal("a value")
    settings.SEALING_KEYS = [then, new]
    sealed = seal("a value")
    assert sealed.startswith(f"k1.{key_id(then)}.")
    assert then not in sealed
    settings.SEALING_KEYS = [new, then]
    assert [unseal(sealed), unseal(bare)] == ["a value"] * 2
    assert sealed_by(sealed) == sealed_by(bare) == key_id(then)
    settings.SEALING_KEYS = [new]
    for text in (sealed, bare, sealed[:-8], f"k1.{key_id(new)}.{Fernet(Fernet.generate_key()).encrypt(b'x').decode()}"):
        with pytest.raises(DoesNotOpen, match="OLD_SEALING_KEYS"):
            unseal(text)


def test_with_one_key_a_process_of_the_release_before_opens_what_is_sealed(keys):
    digest = hashlib.sha256(b"seal:" + keys[0].encode()).digest()  # all that the first releases know
    assert Fernet(base64.urlsafe_b64encode(digest)).decrypt(seal("a value").encode()) == b"a value"


def test_after_it_the_old_key_can_go_whatever_was_sealed(keys, settings, organization, project, owner):
    then, new = keys
    values = make_sealed_rows(project, owner, organization)
    columns = stands()
    assert all(columns.values()), columns
    settings.SEALING_KEYS = [new, then]
    with pytest.raises(CommandError, match="need an old key"):
        rotate("--check")
    said = rotate()
    assert "builds_secret.value: 1 of 1 sealed again" in said
    assert all(text.startswith(f"k1.{key_id(new)}.") for texts in stands().values() for text in texts)
    assert "Nothing needs an old key" in rotate("--check")
    settings.SEALING_KEYS = [new]
    for (model, pk, name), value in values.items():
        assert getattr(model.objects.get(pk=pk), name) == value
    assert stands() == stands() != columns
    assert "0 of 1 sealed again" in rotate(), "what is done is not done again"


def test_one_that_was_killed_is_begun_again(keys, settings, project, owner, monkeypatch):
    then, new = keys
    monkeypatch.setattr(rotate_keys, "BATCH", 3)
    for number in range(10):
        put_secret(Place(project), f"S{number}", f"value {number}", who=owner)
    settings.SEALING_KEYS = [new, then]
    done = []

    def die(pk, sealed):
        if len(done) == 4:
            raise SystemExit("killed")
        done.append(pk)
        rotate_keys._reseal(place, pk, sealed)

    place = next(each for each in rotate_keys.places() if str(each) == "builds_secret.value")
    with pytest.raises(SystemExit):
        rotate_keys._walk(place, die)
    assert sum(f".{key_id(new)}." in text for text in stands()["builds_secret.value"]) == 4
    assert "builds_secret.value: 6 of 10 sealed again" in rotate()
    settings.SEALING_KEYS = [new]
    assert [secret.value for secret in Secret.objects.order_by("pk")] == [f"value {number}" for number in range(10)]


def test_what_a_person_sets_meanwhile_stays(keys, settings, project, owner):
    then, new = keys
    put_secret(Place(project), "TOKEN", "first value", who=owner)
    [(pk, read)] = Secret.objects.annotate(found=as_it_stands("value")).values_list("pk", "found")
    settings.SEALING_KEYS = [new, then]
    put_secret(Place(project), "TOKEN", "second value", who=owner)
    rotate_keys._reseal(rotate_keys.Place(Secret, "value"), pk, read)
    assert Secret.objects.get().value == "second value"


def test_what_does_not_open_is_named_and_the_rest_is_done(keys, settings, project, owner):
    then, new = keys
    put_secret(Place(project), "GOOD", "good value", who=owner)
    lost = put_secret(Place(project), "LOST", "lost value", who=owner)
    Secret.objects.filter(pk=lost.pk).update(
        value=models.Value(f"k1.0123abcd.{seal('x')}", output_field=models.TextField())
    )
    settings.SEALING_KEYS = [new, then]
    out = StringIO()
    for arguments in ([], ["--check"]):
        with pytest.raises(CommandError, match="1 sealed values do not open"):
            call_command("rotate_keys", *arguments, stdout=out)
    assert out.getvalue().count(f"builds_secret.value: row {lost.pk} does not open") == 2
    assert Secret.objects.get(name="GOOD").value == "good value"
    assert sealed_by(Secret.objects.annotate(found=as_it_stands("value")).get(name="GOOD").found) == key_id(new)


def test_sealed_texts_inside_of_json_are_found_at_any_depth(keys, settings):
    then, new = keys
    value = {"secret": seal("one"), "codes": [seal("two"), 3], "seed": "gA not sealed", "mask": 0}
    assert [unseal(text) for text in rotate_keys._texts(value)] == ["one", "two"]
    settings.SEALING_KEYS = [new, then]
    again = rotate_keys._resealed(value)
    settings.SEALING_KEYS = [new]
    assert (unseal(again["secret"]), unseal(again["codes"][0])) == ("one", "two")
    assert (again["codes"][1], again["seed"], again["mask"]) == (3, "gA not sealed", 0)


def test_rotation_signs_with_a_new_key_too(keys):
    assert SigningKey.objects.count() == 0
    rotate()
    [first] = SigningKey.objects.all()
    rotate()
    assert list(SigningKey.objects.filter(retired_at=None).values_list("pk", flat=True)) != [first.pk]
    assert Project.objects.count() == 0
