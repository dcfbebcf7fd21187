"""The whole service, as a newcomer starts it."""
