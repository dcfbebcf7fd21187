"""`manage.py set_limits`: how much of an organisation may run and wait at one time."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.models import Organization
from builds.services.limits import set_limits


class Command(BaseCommand):
    """Exit code 1 where there is no such organisation, or nothing was asked for."""

    help = "Set how many jobs of an organisation may run, and how many of its builds may wait, at one time."

    def add_arguments(self, parser: CommandParser) -> None:
        """The organisation and the two limits."""
        parser.add_argument("slug", help="of the organisation, as its addresses have it")
        parser.add_argument("--running", type=int, help="jobs at one time")
        parser.add_argument("--waiting", type=int, help="builds that may wait")

    def handle(self, *arguments: object, slug: str, running: int | None, waiting: int | None, **options: Any) -> None:
        """Set what is given."""
        organization = Organization.objects.filter(slug=slug).first()
        if organization is None:
            raise CommandError(f"There is no organisation {slug!r}.")
        if running is None and waiting is None:
            raise CommandError("Say --running or --waiting, or both.")
        if min(number for number in (running, waiting) if number is not None) < 1:
            raise CommandError("A limit is at least 1: to stop all work, halt it.")
        set_limits(organization, running=running, waiting=waiting, user=None)
        self.stdout.write(f"{organization}: set.")
