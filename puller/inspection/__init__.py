"""What an artifact, a repository or a folder holds, without writing anything.

inspect   what an artifact holds, without its files
about     who wrote an artifact, in its own words
archived  the files in an image's layers
listing   the artifacts of a repository, by their tags
folder    a folder, held to the digests of an artifact  files
command   the verbs `inspect`, `verify` and `list`
"""
