"""Connections: addresses, proxies, TLS and time limits.

dial        connects to permitted addresses, and can be interrupted  sockets
connection  a connection to one origin                               sockets
wire        sockets with time limits                                 sockets
tls         which CAs are trusted, and the client certificate        files
tls_socket  TLS in large blocks over a connected socket              sockets
limits      how long the network may take                            time
origin      scheme, host and port                                    pure
addresses   which addresses are local                                pure
proxies     which proxy serves an origin                             pure
"""
