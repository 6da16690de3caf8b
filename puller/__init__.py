"""PULL: a reference in, verified files out.

pull         the story, in eight steps
update       its steps 4 to 8: one model into one locked destination
through_cache  the same through a cache that other pulls share
adopt        files that are there already, verified by their digests
work         what must be fetched, and what need not be
plan         parts to blobs and pieces                                         pure
settings     what one pull needs: the webhook writes it, the puller reads it
deadline     a time limit for a whole pull                                     signals
inspect      what an artifact holds
listing      the artifacts of a repository, by their tags
container    what the initContainer does                                       environment, files
command      the verbs `pull`, `inspect` and `list`
errors       what can go wrong

pod/         a Hugging Face cache around a model, and LoRA adapters beside it
artifact/    which files an artifact makes, a module for each family
reuse/       blobs that are on the volume already, hashed where needed          files, threads
cache/       the models that pulls share: how they are given, and which go
store/       a model on a volume: what is published, who wrote it, how a version is published
transfer/    the download of blobs                                             threads, time
tree/        what the directory will hold, and how it is put together
unpack/      codecs and archives
"""
