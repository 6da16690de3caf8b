"""Pushes, to the real registry and to layouts on disk."""
