"""`create_organization NAME OWNER_EMAIL`: a team, before there is a page for it."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.models import User
from accounts.services.create_organization import create_organization


class Command(BaseCommand):
    """Make an organisation that a person who has an account owns."""

    help = "Make an organisation: ciservice manage create_organization 'Our team' owner@example.com"

    def add_arguments(self, parser: CommandParser) -> None:
        """NAME and OWNER_EMAIL."""
        parser.add_argument("name")
        parser.add_argument("owner_email")

    def handle(self, *args: Any, **options: Any) -> None:
        """CommandError where nobody has that address, or the name is empty."""
        owner = User.objects.filter(email=options["owner_email"].strip().lower(), is_active=True).first()
        if owner is None:
            raise CommandError(
                f"Nobody here has the address {options['owner_email']}: make the person first (createsuperuser)."
            )
        if not options["name"].strip():
            raise CommandError("Give the organisation a name.")
        organization = create_organization(options["name"], owner)
        self.stdout.write(f"{organization.name} ({organization.slug}) belongs to {owner.email}.")
