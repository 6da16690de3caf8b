"""Default paths, which the operator may change. Imports nothing, because a warm start reads this module too.

Tests: tests/puller/test_settings.py
"""

HOSTS_DIRECTORY = "/etc/weighbridge/certs.d"
"""Mirrors, by containerd's hosts.toml convention."""
