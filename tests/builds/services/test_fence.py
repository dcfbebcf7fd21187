"""What is tried again because the database is away, and what is not."""

from __future__ import annotations

import pytest
from django.db import DatabaseError, IntegrityError, OperationalError

from builds.services.fence import patiently

pytestmark = pytest.mark.django_db(transaction=True)


class Coded(Exception):
    """As psycopg2 tells of what the server refused."""

    pgcode = "55P03"


class Failing:
    """Work that fails once."""

    def __init__(self, error: Exception, cause: Exception | None) -> None:
        self._errors = [error]
        self._cause = cause

    def __call__(self) -> str:
        if self._errors:
            raise self._errors.pop() from self._cause
        return "done"


@pytest.mark.parametrize(
    "error", [OperationalError("gone"), DatabaseError("server closed the connection unexpectedly")]
)
def test_a_lost_connection_is_made_again(error):
    assert patiently(Failing(error, Exception("as psycopg2 told it"))) == "done"


@pytest.mark.parametrize(
    ("error", "cause"),
    [(IntegrityError("taken"), Coded()), (DatabaseError("refused"), Coded()), (DatabaseError("Django's own"), None)],
)
def test_what_the_database_refused_is_not_tried_again(error, cause):
    with pytest.raises(type(error)):
        patiently(Failing(error, cause))
