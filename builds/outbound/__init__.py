"""What leaves the house: the outbox and the guarded HTTP client."""
