"""Pulls, against registries that misbehave."""
