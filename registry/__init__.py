"""Speak to registries, to OCI layouts on disk, and to the Hugging Face hub.

reference, digest, source   names as values                                    pure
manifest, modelpack         documents as values                                pure
variants, listing           which of an index, or of a layout, is meant        pure
paths                       which file names every system can hold             pure
repository                  what every place that holds artifacts can do
places                      from a source to its place
remote, publisher           a registry, read and written
upload, commit              blobs on their way in, and writes whose outcome is not known
host, hosts, mirrors, tls   who serves a registry, as operators write it           files
site, turns                 one host, read from; whose turn it is
hub                         a repository of the Hugging Face hub, read
huggingface                 the door to the package `huggingface_hub`          its environment, files
snapshot                    such a repository at a commit, as a manifest       pure
layout, layout_publisher       a folder, read and written                         files
client                      one repository's HTTP API: authorization, redirects, errors
ranges                      parts of blobs, and where they have moved
redirects                   where a host may lead, by one rule
auth, tokens                who asks, and how that is proved
challenges, codings         what answers say of proof and of their bytes        pure
credentials, programs       docker configs, and programs                        files, programs
transport, connection       connections
dial, wire                  connecting, and sockets that wait no longer than they may  sockets
deadline                    how long the network may take                      time
exchange                    requests and answers on them                        sockets
origin, addresses, proxies  whose an address is, and how it is reached          pure
printable                   text from outside, fit to be printed                pure
workers                     threads that end with who waits for them            time
retry                       patience                                           time
refusal                     what an unwanted answer means, and how long it asks to wait  pure, but for the date
program                        how a program begins and ends                      signals, streams
meter, voice                how far a transfer is, and how it says so          stderr, time
environment, options, defaults        what the user's environment and options say
errors                      what can go wrong
"""
