"""Speak to registries, to OCI layouts on disk, and to the Hugging Face hub.

reference, digest, source   names as values                                           pure
manifest, annotations       documents as values; chunk_index, the digests of chunks   pure
platforms                   which of an index's manifests is meant                    pure
paths, globs                which file names every system can hold; which are meant   pure
printable                   text from outside, fit to be printed                      pure
repository                  the protocols of every store of artifacts
open                        from a source to its repository
version                     the one place of it
errors                      what can go wrong

remote/                     a registry over HTTP, read and written
layout/                     a folder, read and written                                files
huggingface/                a repository of the hub, read                             its environment, files
mirrors/                    which hosts serve a registry                              files, time
auth/                       credentials, and how requests show them                   files, programs
http/                       requests, answers, redirects, ranges, retries             time
net/                        connections                                               sockets
progress/                   how far a transfer is, and how that is shown              stderr, time
access/                     the settings of the user's environment and options
process/                    how a program begins and ends, and its threads            signals, streams
"""
