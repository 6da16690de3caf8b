"""Manifests as files: read as kubectl reads them, and written with no other changes.

sources ─▶ stream ─▶ yaml_text, json_text ─▶ node ─▶ files (inject), uninject, explain ─▶ splice, written ─▶ documents
"""
