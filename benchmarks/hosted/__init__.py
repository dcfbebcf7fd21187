"""Measured on the production form: two web workers on a PostgreSQL that syncs every commit to disk."""
