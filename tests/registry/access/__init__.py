"""Tests of how registries are reached."""
