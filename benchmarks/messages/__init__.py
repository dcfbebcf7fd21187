"""Measured: whether builds notice that a channel is flooded and does not answer."""
