"""Builds: what a pipeline pays for weights in an image, and for an artifact beside it.

`builds` is the story. `ways` build and push once; `update` plays a service's updates; `steps` are their commands.
"""
