"""Which hosts serve a registry, by containerd's hosts.toml convention.

host        one of them, as a value                                    pure
hosts_toml  a file's content, parsed                                   pure
pod_text    the table of one registry, in the text that a pod is told  pure
directory   where the files are                                        files
failover    which host is asked next                                   time
"""
