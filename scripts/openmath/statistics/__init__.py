"""Votes, maj@k, estimates and intervals: pure functions on arrays."""
