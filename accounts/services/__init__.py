"""What the app can do for people: tokens, organisations, the audit log."""
