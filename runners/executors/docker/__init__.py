"""Jobs in Docker: the only package that imports the Docker client."""
