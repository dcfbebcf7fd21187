"""A runner's process: it claims jobs, keeps their leases alive, and lets go of them in good order."""

from builds.runner.loop import RunnerLoop
from builds.runner.process import main
from builds.runner.times import Times

__all__ = ["RunnerLoop", "Times", "main"]
