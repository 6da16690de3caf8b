"""Starts: pods on a real node, whose weights come as an image volume, a modelcar, by an init container, or by ours.

`starts` is the story, on the `stage` of a cluster with registries; `pods` are the pods, and `engine` runs in them.
"""
