"""The centre: projects, builds, jobs, steps and their logs."""
