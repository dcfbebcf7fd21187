"""A Docker host: new containers beside the old ones, healthy before they get traffic, the old ones drained before they end."""
