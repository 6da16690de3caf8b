"""Connections: which address, through which proxy, behind which TLS.

dial        connect, to an address that was judged     wire       sockets that wait no longer than they may
connection  a connection to one origin                 tls        certificates and keys
origin      scheme, host and port            pure      limits     how long the network may take, as values
addresses   which addresses a host may lead to  pure   proxies    which proxy serves an origin                    pure
"""
