"""Queries compiled once: other values give other rows, as Django's own query would."""

from __future__ import annotations

from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.compiled import Compiled
from accounts.models import Membership, Organization

pytestmark = pytest.mark.django_db

MEMBERS = Compiled(
    lambda uuid, email: Membership.objects.filter(organization__uuid=uuid, user__email=email).values_list(
        "organization__uuid", "organization__name", "created_at"
    ),
    *(UUID(int=1), "email"),
)


def asked(uuid: UUID, email: str) -> list[tuple]:
    with CaptureQueriesContext(connection) as caught:
        rows = MEMBERS.rows(uuid, email)
    assert len(caught) == 1
    return [tuple(row) for row in rows]


def test_rows_come_as_django_gives_them(owner, organization):
    member = Membership.objects.get(user=owner, organization=organization)
    assert asked(organization.uuid, owner.email) == [(organization.uuid, organization.name, member.created_at)]


def test_other_values_give_other_rows(owner, organization):
    assert asked(UUID(int=5), owner.email) == []
    assert asked(organization.uuid, "nobody@example.com") == []
    assert asked(organization.uuid, "' OR 1=1 --") == []
    assert len(asked(organization.uuid, owner.email)) == 1


def test_a_value_that_the_query_does_not_hold_is_an_error():
    query = Compiled(lambda _: Organization.objects.values_list("pk"), 7)
    with pytest.raises(ValueError, match="not every value is found"):
        query.rows(1)
