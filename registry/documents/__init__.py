"""Manifests and indexes as stores have them, for whoever copies them.

document   their very bytes, beside what they say                 pure
referrers  how an artifact's signatures are found and listed      pure
"""
