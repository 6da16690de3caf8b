"""The webhook as a server: Flask, gunicorn, TLS."""
