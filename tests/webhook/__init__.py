"""The webhook, from its contract to its server."""
