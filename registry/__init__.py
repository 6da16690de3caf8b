"""Speak to registries and to OCI layouts on disk."""
