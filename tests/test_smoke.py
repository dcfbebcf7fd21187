"""The ground: settings load, the schema is whole, the cast can be made."""

from io import StringIO

import pytest
from django.core.management import call_command


@pytest.mark.django_db
def test_no_migration_is_missing():
    call_command("makemigrations", "--check", "--dry-run", stdout=StringIO())


def test_the_cast(owner, member, stranger, project, make_build):
    assert make_build().number == 1
    assert make_build().number == 2
    assert owner.organizations.get() == member.organizations.get() == project.organization
