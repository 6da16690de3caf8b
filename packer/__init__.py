"""PACK: a model folder in, a pushed artifact out.

push      the story: scan, send each file while it is hashed, describe them, send the manifest
artifact  the sent files to a ModelPack config and manifest   pure
category  what kind of layer a file name makes                pure
layer_blob  what a file became, as a value
ledger    what was hashed and pushed before                   a database in the user's cache
command   the verb `push`
errors    what can go wrong

source/   a folder to files that are packed                   reads files
upload/   one file to the other side                          reads files, threads
"""
