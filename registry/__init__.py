"""Speak to registries, to OCI layouts on disk, and to the Hugging Face hub.

reference, digest, source   names as values                                    pure
manifest, modelpack         documents as values                                pure
variants, listing           which of an index, or of a layout, is meant        pure
paths                       which file names every system can hold             pure
repository                  what every place that holds artifacts can do
places                      from a source to its place
remote, upload              a registry, read and written
host, hosts, mirrors, tls   who serves a registry, as operators write it           files
site, turns                 one host, read from; whose turn it is
hub                         a repository of the Hugging Face hub, read
huggingface                 the door to the package `huggingface_hub`          its environment, files
snapshot                    such a repository at a commit, as a manifest       pure
layout                      a folder, read and written                         files
client                      one repository's HTTP API: authorization, redirects, errors
ranges, redirects           parts of blobs, and where they have moved
auth, credentials           who asks, and how that is proved                   files, programs
transport, exchange, origin connections, requests and answers                  sockets
retry                       patience                                           time
meter, voice                how far a transfer is, and how it says so          stderr, time
environment, options, defaults        what the user's environment and options say
errors                      what can go wrong
"""
