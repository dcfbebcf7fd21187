"""A Docker host that is described by a Compose file: the file of the release is what runs there, and healthy."""
