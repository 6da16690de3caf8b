"""HTTP/1.1 over the connections of net/. Knows no registry.

transport  requests on kept connections     response   an answer whose body is still on the wire
pool       the connections that no request uses: kept ones, and those that are opened ahead
redirects  to which addresses a host may redirect, by one rule (docs/decisions/0008)
ranges     parts of blobs, and remembered redirects
retry      patience, as a value             failures   what an unwanted answer means
codings    content codings that were not requested       dates      the dates of headers          pure
"""
