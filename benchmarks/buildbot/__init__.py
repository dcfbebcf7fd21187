"""The same builds by Buildbot, on the same machine in the same run: `python -m benchmarks --buildbot`."""
