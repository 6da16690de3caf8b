"""Speak to registries, to OCI layouts on disk, and to the Hugging Face hub.

reference     a name in a registry, as a value                          pure
digest        digests as values, and the verifier of a stream           pure
source        the sources of a model: oci, layout, hf, and pvc in pods  pure
manifest      manifests and indexes as values                           pure
annotations   the names of ModelPack                                    pure
chunk_index   the digests of a layer's chunks, in its annotations       pure
platforms     which of an index's manifests is meant                    pure
paths         which file names every system can hold                    pure
globs         which files of a model are meant                          pure
printable     text from outside, fit to be printed                      pure
repository    the protocols of every store of artifacts
open          from a source to its repository
version       the version, which is defined here alone
errors        what can go wrong

remote/       a registry over HTTP, read and written
layout/       a folder, read and written                                files
huggingface/  a repository of the hub, read                             its environment, files
documents/    manifests as they are stored, for whoever copies them     pure
signatures/   who signed an artifact
identity/     the pod's own identity, as a registry's credential        sockets, files
mirrors/      which hosts serve a registry                              files, time
auth/         credentials, and how requests show them                   files, programs
http/         requests, answers, redirects, ranges, retries             time
net/          connections                                               sockets
progress/     how far a transfer is, and how that is shown              stderr, time
access/       the settings of the user's environment and options        environment
process/      how a program begins and ends, and its threads            signals, streams
"""
