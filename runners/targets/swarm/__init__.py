"""A service of a Docker Swarm: updated by digest, new tasks before old ones, back by itself where they do not start."""
