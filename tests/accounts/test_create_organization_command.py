"""The command that makes the first organisation of a production instance."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from accounts.models import Organization, Role


def test_it_makes_an_organisation_with_its_owner(make_user):
    user = make_user("owner@example.com")
    out = StringIO()
    call_command("create_organization", "Our team", "Owner@Example.com", stdout=out)
    organization = Organization.objects.get(slug="our-team")
    assert organization.memberships.get(user=user).role == Role.OWNER
    assert "our-team" in out.getvalue()


@pytest.mark.parametrize(("name", "email"), [("Team", "nobody@example.com"), (" ", "owner@example.com")])
def test_what_cannot_be_is_said(make_user, name, email):
    make_user("owner@example.com")
    with pytest.raises(CommandError):
        call_command("create_organization", name, email)
    assert not Organization.objects.exists()
