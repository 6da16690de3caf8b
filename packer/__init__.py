"""PACK: a model folder in, a pushed artifact out.

push      the story: scan, send each file while it is hashed, describe them, send the manifest
artifact  from sent files to a ModelPack config and manifest  pure
category  the kind of layer for a file name                   pure
layer_blob  a file's blob, as a value
ledger    the files hashed and blobs pushed before            a database in the user's cache
command   the verbs `push` and `copy`
errors    what can go wrong

source/   from a folder to the files to pack                  reads files
upload/   one file to the registry or layout                  reads files, threads
copying/  an artifact from place to place, as it is           threads
"""
