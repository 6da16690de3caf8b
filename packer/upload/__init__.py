"""The upload of one blob.

send          the story: blob already there, small, large or packed
raw_upload    read once, hashed while it is sent                        zstd_upload   packed while it is sent
zstd_encoder  frames that can each be unpacked alone                    sample        whether zstd pays
resume        continues a broken upload after the bytes that arrived
"""
