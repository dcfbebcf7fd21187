"""The migration that takes the addresses of those who are here for confirmed."""

from __future__ import annotations

from importlib import import_module

import pytest
from allauth.account.models import EmailAddress
from django.apps import apps

from accounts.models import User

pytestmark = pytest.mark.django_db
know_addresses = import_module("accounts.migrations.0005_known_addresses").know_addresses


def test_everybody_has_a_confirmed_address_after_it_and_once():
    User.objects.bulk_create(User(email=f"{number}@example.com") for number in range(3))
    EmailAddress.objects.create(user=User.objects.get(email="2@example.com"), email="2@example.com", verified=False)
    for _ in range(2):
        know_addresses(apps, None)
        rows = EmailAddress.objects.order_by("email").values_list("email", "verified", "primary")
        assert list(rows) == [
            ("0@example.com", True, True),
            ("1@example.com", True, True),
            ("2@example.com", False, False),
        ]
