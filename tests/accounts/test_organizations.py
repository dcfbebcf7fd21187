"""Making organisations."""

import pytest

from accounts.models import AuditEntry, Membership, Role
from accounts.services.create_organization import create_organization


@pytest.mark.parametrize(("name", "slug"), [("Café Shop", "cafe-shop"), ("日本", "team"), ("x" * 150, "x" * 50)])
def test_the_slug_comes_from_the_name(make_user, name, slug):
    assert create_organization(name, make_user("a@example.com")).slug == slug


def test_a_taken_slug_gets_a_number(make_user):
    user = make_user("a@example.com")
    assert [create_organization("Shop", user).slug for _ in range(3)] == ["shop", "shop-2", "shop-3"]


def test_its_maker_owns_it(make_user):
    user = make_user("a@example.com")
    organization = create_organization("Shop", user)
    assert Membership.objects.get().role == Role.OWNER
    assert list(user.organizations.all()) == [organization]
    assert AuditEntry.objects.get().organization == organization
