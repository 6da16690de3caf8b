"""The upload of one blob.

send          the story: blob already there, small, large or packed
raw_upload    a large blob: read once, hashed while it is sent
zstd_upload   a file that is packed while it is sent
zstd_encoder  frames that can each be unpacked alone
sample        whether zstd pays                                       files
idle          whether this process leaves the cores idle
resume        continues a broken upload after the bytes that arrived
"""
