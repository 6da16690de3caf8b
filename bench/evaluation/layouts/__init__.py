"""Layouts: how the same model comes to a node as an image in each layout, and as an artifact by each tool.

`layouts` is the story. It serves an `origin` (`images`, `hub`, `connection_limit`) and runs each of `rows`, images by a
`containerd` of their own, as `run` has it.
"""
