"""Blobs on their way from a registry to files.

download      as many workers as bring more, and who looks after them
queue         which piece comes next                worker       one piece, through whatever the network does
concurrency   how many connections are worth having      pure    watchdog     which one is far too slow
blob          what a worker needs to know of a blob
file_blob     a blob that is a file: pieces in any order     prefix_hash  the digest of one that has none for its pieces
archive_blob  a blob that is unpacked from front to back     whole_file   files that hf_xet fetches
"""
