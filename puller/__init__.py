"""PULL: a reference in, verified files out.

pull           the story, in eight steps
through_cache  the same through a cache that other pulls share
update         its steps 4 to 8: one model into one locked destination
adopt          files that are there already, verified by their digests
signatures     whether those whom the operator names signed the model
work           what must be fetched, and what need not be
plan           parts to blobs and pieces                                                         pure
proof          what a file's bytes were verified against                                         pure
settings       what one pull needs: the webhook writes it, the puller reads it
deadline       a time limit for a whole pull                                                     signals
container      what the initContainer does                                                       environment, files
command        the verb `pull`, and those of inspection/
errors         what can go wrong

pod/           what a pod gets beside a model's files, and what it is told
overlap/       the pull beside the engine's image
inspection/    what an artifact, a repository or a folder holds
artifact/      which files an artifact makes, a module for each family
reuse/         blobs that are on the volume already, hashed where needed                         files, threads
cache/         the models that pulls share: how they are given, and which go                     files
store/         a model on a volume: what is published, who wrote it, how a version is published  files
processes/     a fetch by several processes                                                      pipes
transfer/      the download of blobs                                                             threads, time
tree/          what the directory will hold, and how it is put together
unpack/        codecs and archives
"""
