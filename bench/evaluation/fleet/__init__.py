"""Fleets: many pods that start at one moment.

`fleet` is the story. It has `hosts`, network namespaces on one bridge, with registries on them; `ways` says what pods
share, and `together` starts their pullers; `growth` is the model on paper of how each way grows.
"""
