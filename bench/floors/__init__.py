"""Bare programs, each run as a script: the least that the same work can cost (docs/bench.md)."""
