"""Benchmarks: registry, cleaning of what a source serves, overlap with a training set."""
