"""How fast the service is, beside the raw work of the same machine in the same minutes: `python -m benchmarks`."""
