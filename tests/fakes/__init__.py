"""Servers of our own that misbehave when a test tells them to."""
