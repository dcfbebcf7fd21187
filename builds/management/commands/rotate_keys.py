"""`ciservice rotate-keys`: what it does and says."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.sealing import newest_key_id
from accounts.services.rotate_keys import Place, Tally, known_keys, look, places, rotate
from builds.services.signing_keys import roll

_SHOWN = 20


class Command(BaseCommand):
    """Seal everything again with the newest key, or only look."""

    help = "Seal everything that is sealed again with SEALING_KEY; see `ciservice rotate-keys --help`."

    def add_arguments(self, parser: CommandParser) -> None:
        """--check."""
        parser.add_argument("--check", action="store_true", help="Change nothing: say what depends on which key.")

    def handle(self, *args: Any, **options: Any) -> None:
        """CommandError where something does not open or, with --check, still needs an old key."""
        check = bool(options["check"])
        tallies = [self._look(place) if check else self._rotate(place) for place in places()]
        if not check:
            self.stdout.write(f"Tokens of jobs are signed with the new key {roll()} from now on.")
        if closed := sum(len(tally.closed) for tally in tallies):
            raise CommandError(
                f"{closed} sealed values do not open: put their key into OLD_SEALING_KEYS, or set them anew."
            )
        old = sum(tally.by_key.total() - tally.by_key[newest_key_id()] for tally in tallies)
        if check and old:
            raise CommandError(f"{old} values need an old key: run `ciservice rotate-keys`.")
        if check:
            self.stdout.write("Nothing needs an old key: OLD_SEALING_KEYS can be emptied.")

    def _rotate(self, place: Place) -> Tally:
        tally = rotate(place)
        self.stdout.write(f"{place}: {tally.resealed} of {tally.by_key.total()} sealed again")
        return self._told(tally)

    def _look(self, place: Place) -> Tally:
        tally, names = look(place), known_keys()
        for key, count in sorted(tally.by_key.items()):
            self.stdout.write(f"{place}: {count} sealed with key {key} ({names.get(key, 'unknown')})")
        return self._told(tally)

    def _told(self, tally: Tally) -> Tally:
        for number in tally.closed[:_SHOWN]:
            self.stdout.write(f"{tally.place}: row {number} does not open")
        return tally
