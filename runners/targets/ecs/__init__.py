"""AWS ECS: an image becomes a new revision of the task definition, which a service runs."""
