"""The contents of blobs, which are read from files while they are sent.

content      what sending needs to know of one
whole_file   a file as it is                       files
tar_layer    a tar of files, which stands nowhere  files
part_hasher  digests of a stream's parts           pure
"""
