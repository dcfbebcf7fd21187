"""Backup and restore of the whole service: the database at one moment, and every file in storage that it names."""
