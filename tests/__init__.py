"""The suite: behaviour through the public door, on real servers."""
