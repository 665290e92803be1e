"""Tests of cli, helppage and completion."""
