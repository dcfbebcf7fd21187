"""A real instance that people push to while misfortune falls on it: `python -m benchmarks.soak --minutes 20 --seed 1`."""
