"""Ways to run a job on this machine."""
