"""One file on its way to a registry.

send          the story: known there already, small, raw or packed
raw_upload    read once, hashed while it is sent                        zstd_upload   packed while it is sent
zstd_encoder  frames that unpack each by itself                         sample        whether zstd pays
resume        an upload that broke, brought on behind what arrived
"""
