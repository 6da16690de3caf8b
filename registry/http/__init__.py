"""HTTP/1.1 over the connections of net/. Knows no registry.

transport  requests on kept connections
pool       the connections that no request uses: kept ones, and those that are opened ahead
response   one request, and its answer whose body is still on the wire
redirects  to which addresses a host may redirect, by one rule (docs/decisions/0008)
ranges     parts of blobs, and remembered redirects
retry      how long to go on after temporary failures                   time
failures   what an unwanted answer means
codings    content codings that were not requested                      pure
dates      the dates of headers                                         pure
trace      a line for each request and answer, for `--debug`
"""
