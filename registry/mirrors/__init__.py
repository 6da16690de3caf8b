"""Which hosts serve a registry, by containerd's hosts.toml convention.

host        one of them, as a value      hosts_toml  a file's content, parsed      pure
directory   where the files are          failover    which host is asked next      time
"""
