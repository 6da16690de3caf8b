"""Identities of clouds, against scripted endpoints."""
