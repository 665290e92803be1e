"""Realistic mistakes, each made in a whole tree, and found by the right rule."""
