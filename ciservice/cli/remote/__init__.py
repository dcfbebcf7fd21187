"""Commands that speak to a server: what they share."""
