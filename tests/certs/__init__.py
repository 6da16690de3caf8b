"""Laws of the TLS material."""
