"""Signatures of artifacts, by keys and by certificates."""
