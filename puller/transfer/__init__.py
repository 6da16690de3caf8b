"""Blobs on their way from a registry to files.

download      starts the workers, and sets how many may work
queue         which worker may take what
pending       which pieces come next, in which runs
worker        one run: request, write, verify, retry
concurrency   how many connections are worth having              pure
watchdog      which connection is far too slow
blob          the interface between workers and blobs
file_blob     a blob that is a file: pieces in any order
file_piece    one piece, written at its final offset
zstd_chunk    a chunk in zstd, unpacked while it arrives
prefix_hash   the digest of a file that has none for its pieces
read_back     what is written already, read to be hashed
archive_blob  a blob that is unpacked from front to back
whole_file    files that hf_xet fetches
"""
