"""Who people are: users, organisations, memberships, API tokens, the audit log."""
