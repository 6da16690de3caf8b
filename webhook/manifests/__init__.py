"""Manifests as files, for the verb `inject`: read, and written without other changes."""
