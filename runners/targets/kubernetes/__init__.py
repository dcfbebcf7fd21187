"""Kubernetes: an image goes into a Deployment; a share of the pods first, where a canary is asked for."""
