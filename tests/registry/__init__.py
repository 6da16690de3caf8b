"""References, credentials, tokens, layouts and the wire."""
