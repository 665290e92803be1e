"""Measurements: each against the least that the same work can cost, in the same run (docs/bench.md)."""
