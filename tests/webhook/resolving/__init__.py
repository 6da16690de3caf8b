"""Tests of what is asked of registries at admission."""
