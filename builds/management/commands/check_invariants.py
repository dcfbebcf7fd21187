"""`manage.py check_invariants`: look at every row, and say what cannot be."""

from __future__ import annotations

from django.core.management.base import BaseCommand, CommandError

from builds.invariants import check_invariants, report


class Command(BaseCommand):
    """Exit code 1 where something is wrong."""

    help = "Check what must hold of builds, jobs, steps and logs."

    def handle(self, *arguments: object, **options: object) -> None:
        """Print one line for each violation."""
        found = check_invariants()
        if found:
            raise CommandError(report(found))
        self.stdout.write(report(found))
