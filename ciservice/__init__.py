"""Composition: settings, addresses, Celery and the command line that bind the apps into one service."""
