"""matrix-wizard: makes a tree of Matrix manifests deployable, and keeps it so."""

__version__ = "0.1.0"
