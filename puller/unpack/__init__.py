"""Unpacking of compressed layers and archives, recognised by their bytes, while these arrive.

layer    the story: a codec by its magic, a tar by its first header, else one file
codec    gzip and zstd, decoded step by step
frames   where zstd frames end                               pure
untar    a tar, read as it arrives
member   what a header says of one member                    pure
sparse   the map of a sparse file                            pure
staging  the members, stored before their names are checked  files
"""
