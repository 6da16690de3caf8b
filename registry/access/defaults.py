"""Where things are unless somebody says otherwise. Loads nothing: a warm start reads it too."""

HOSTS_DIRECTORY = "/etc/weighbridge/certs.d"
"""Mirrors, by containerd's hosts.toml convention."""
