"""Fleets: many pods that start at one moment.

`fleet` is the story. It has `hosts`, network namespaces on one bridge, with registries on them; `ways` says what pods
share, `slices` is a cache by nginx, and `together` starts their pullers; `growth` is how each way grows, on paper.
"""
