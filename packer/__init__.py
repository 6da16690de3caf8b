"""PACK: a model folder in, a pushed artifact out.

push      the story: scan, send each file while it is hashed, describe them, send the manifest
scan      a folder to the files that will be layers           reads the folder, and first bytes
judge     what should not be published                        pure
found     a file to pack, as it was found                     a value
reading   files, as they were found and not otherwise         reads files
send      one file to the other side, unless it is there      reads files
relay     a large file: read once, hashed while it is sent    reads files, threads
mend      an upload that broke, brought on behind what arrived
ledger    what was hashed and pushed before                   a database in the user's cache
artifact  the sent files to a ModelPack config and manifest   pure
category  what kind of layer a file name makes                pure
command   the verb `push`
"""
