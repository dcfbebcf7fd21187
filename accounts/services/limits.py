"""How often something may happen within some time, counted in the database for all processes together.

The counters stand where the accounts stand: there is no log-in while they are away, and no way around them.
"""

from __future__ import annotations

import hashlib
import secrets
import time

from django.db import connection

from accounts.models import Limit

_SWEEP_ONE_IN = 500
_TAKE = """
INSERT INTO accounts_limit (digest, taken, ends_at) VALUES (%s, 1, %s)
ON CONFLICT (digest) DO UPDATE SET
  taken = CASE WHEN accounts_limit.ends_at <= %s THEN 1 ELSE accounts_limit.taken + 1 END,
  ends_at = CASE WHEN accounts_limit.ends_at <= %s THEN excluded.ends_at ELSE accounts_limit.ends_at END
RETURNING taken
"""


def take(key: str, most: int, seconds: int) -> bool:
    """Count one under `key`; False where there were `most` already in the window of `seconds` that the first one began.

    One statement, right also when many processes ask at once. Inside a transaction that rolls back nothing is counted.
    """
    if secrets.randbelow(_SWEEP_ONE_IN) == 0:
        sweep()
    now = int(time.time())
    with connection.cursor() as cursor:
        cursor.execute(_TAKE, [_digest(key), now + seconds, now, now])
        taken: int = cursor.fetchone()[0]
    return taken <= most


def give_back(key: str) -> None:
    """Count one less: what was taken came to a good end."""
    with connection.cursor() as cursor:
        cursor.execute("UPDATE accounts_limit SET taken = taken - 1 WHERE digest = %s AND taken > 0", [_digest(key)])


def sweep() -> int:
    """Forget the windows that have ended; how many."""
    return Limit.objects.filter(ends_at__lte=int(time.time())).delete()[0]


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode(errors="surrogatepass")).hexdigest()
