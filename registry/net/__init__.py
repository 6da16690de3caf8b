"""Connections: addresses, proxies, TLS and time limits.

dial        connects to permitted addresses            wire       sockets with time limits
connection  a connection to one origin                 tls        certificates and keys
origin      scheme, host and port            pure      limits     how long the network may take, as values
addresses   which addresses are local           pure   proxies    which proxy serves an origin                    pure
"""
