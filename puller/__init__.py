"""PULL: a reference in, verified files out."""
