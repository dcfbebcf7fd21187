"""Run a command with settings that start: secrets made for the moment, SQLite that is never opened."""

import os
import secrets
import sys

if __name__ == "__main__":
    made = {name: secrets.token_urlsafe(48) for name in ("SECRET_KEY", "SEALING_KEY")}
    given = {"CISERVICE_MODE": "embedded", "DATA_DIR": "/nonexistent", "DATABASE_URL": "sqlite:////:memory:", **made}
    os.execvpe(sys.argv[1], sys.argv[1:], {**os.environ, **given})
