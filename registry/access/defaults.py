"""Default paths, which the operator may change. Imports nothing, because a warm start reads this module too."""

HOSTS_DIRECTORY = "/etc/weighbridge/certs.d"
"""Mirrors, by containerd's hosts.toml convention."""
