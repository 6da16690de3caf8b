"""What is behind a codec, or in an archive, told by its bytes and taken out as they come.

payload   the story: a codec by its magic, a tar by its first header, else one file
codec     gzip and zstd, decoded step by step
frames    where zstd frames end                                                pure
untar     a tar, read as it comes
sparse    the map of a sparse file                                             pure
staging   the members, put down before anybody believes their names            files
"""
